--[[
  claim_action -- one process may carry out one action of a call now.

  KEYS[1] site          prefix of every key

  ARGV[1] call_id
  ARGV[2] action        its name within the call
  ARGV[3] claimant      who asks
  ARGV[4] lease         the offer it is for: without it the action is void; '' none
  ARGV[5] claim_ms      how long nobody else may

  RETURNS {OK, since} | {AGAIN, since} | {DONE} | {VOID} | {VOID_SENT, since} | {BUSY}
  EVENTS  none
  WHY     whoever sends without having written so first may dial twice, and whoever sends for a lease that has passed
          rings for nobody.
]]
local call = redis.call
local calls, acts = site .. ':c:' .. call_id, site .. ':o:' .. call_id
local t = call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local was = call('HGET', acts, 'do:' .. action)
if was and not string.find(was, '^sending;') then return {'DONE'} end

local who, since, at = string.match(was or '', '^sending;([^;]*);(%d+);(%d+)$')
if who and who ~= claimant and now - at < tonumber(claim_ms) then return {'BUSY'} end
local holds = true
if lease ~= '' then
  local f = call('HMGET', calls, 'st', 'fe')
  holds = f[2] == lease and (f[1] == 'o' or f[1] == 'b')
  -- Who is in the holding room by now need not be brought there, and may be fetched at any moment.
  local at = string.find(action, '^room:') and call('HGET', site .. ':f:' .. call_id, 'at')
  if at == 'hold' or at == 'key' then holds = false end
end
if not holds and not who then return {'VOID'} end
since = since or string.format('%d', now)
call('HSET', acts, 'do:' .. action, 'sending;' .. claimant .. ';' .. since .. ';' .. string.format('%d', now))
call('PEXPIRE', acts, 86400000)
if not holds then return {'VOID_SENT', since} end
if who then return {'AGAIN', since} end
return {'OK', since}
