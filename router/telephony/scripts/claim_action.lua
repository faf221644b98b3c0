--[[
  claim_action -- one process may carry out one action of a call now.

  KEYS[1] site          prefix of every key

  ARGV[1] clock         '' server time, or ms
  ARGV[2] call_id
  ARGV[3] action        its name within the call
  ARGV[4] claimant      who asks
  ARGV[5] lease         without what it is void: the offer it is for, or `=q`, the call's state; '' nothing
  ARGV[6] claim_ms      how long nobody else may

  RETURNS {OK, since} | {AGAIN, since} | {DONE} | {VOID} | {VOID_SENT, since} | {BUSY}
  EVENTS  none
  WHY     whoever sends without having written so first may dial twice, and whoever sends for a lease that has passed
          rings for nobody.
]]
local call = redis.call
local calls, acts, docs = site .. ':c:' .. call_id, site .. ':o:' .. call_id, site .. ':f:' .. call_id
local now = tonumber(clock)
if not now then
  local t = call('TIME')
  now = t[1] * 1000 + math.floor(t[2] / 1000)
end
local was = call('HGET', acts, 'do:' .. action)
if was and not string.find(was, '^sending;') then return {'DONE'} end

local who, since, at = string.match(was or '', '^sending;([^;]*);(%d+);(%d+)$')
if who and who ~= claimant then
  -- Of one who left in good order nothing is under way any more, but for what the provider has not looked at yet.
  local left = call('EXISTS', site .. ':outbox:left:' .. who) == 1
  if now - at < (left and math.min(3000, claim_ms) or tonumber(claim_ms)) then return {'BUSY'} end
end
local holds = true
if lease ~= '' then
  local f = call('HMGET', calls, 'st', 'fe')
  if string.sub(lease, 1, 1) == '=' then
    holds = f[1] == string.sub(lease, 2)
  else
    holds = f[2] == lease and (f[1] == 'o' or f[1] == 'b')
  end
  -- Who is in the holding room by now need not be brought there, and may be fetched at any moment; an agent who has
  -- pressed the key by now is on the way to the caller.
  local at = string.find(action, '^room:') and call('HGET', docs, 'at')
  if at == 'hold' or at == 'key' then holds = false end
  if string.find(action, '^join:') then
    local came = call('HMGET', docs, 'accept@' .. lease, 'fetched@' .. lease)
    if came[1] or came[2] then holds = false end
  end
end
if not holds and not who then return {'VOID'} end
since = since or string.format('%d', now)
call('HSET', acts, 'do:' .. action, 'sending;' .. claimant .. ';' .. since .. ';' .. string.format('%d', now))
call('PEXPIRE', acts, 86400000, 'NX')
if not holds then return {'VOID_SENT', since} end
if who then return {'AGAIN', since} end
return {'OK', since}
