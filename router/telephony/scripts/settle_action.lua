--[[
  settle_action -- what became of an action, told by whoever claimed it.

  KEYS[1] site          prefix of every key

  ARGV[1] call_id
  ARGV[2] action
  ARGV[3] claimant
  ARGV[4] lease         the offer it was for, '' none
  ARGV[5] outcome       done | gone | refused; free: nothing has happened, it may be claimed anew
  ARGV[6] leg_id        our leg
  ARGV[7] leg           the provider's id of it, '' not known

  RETURNS {OK} | {PASSED} | {LOST}
  EVENTS  none
  WHY     a process that slept must not settle what another has claimed since, and a leg placed for a lease that passed
          meanwhile must not go on ringing.
]]
local call = redis.call
local acts = site .. ':o:' .. call_id
local was = call('HGET', acts, 'do:' .. action) or ''
if string.match(was, '^sending;([^;]*);') ~= claimant then return {'LOST'} end
if outcome == 'free' then
  call('HDEL', acts, 'do:' .. action)
  return {'OK'}
end
call('HSET', acts, 'do:' .. action, outcome)
if leg ~= '' then
  call('HSET', acts, 'leg:' .. leg_id, leg)
  call('SET', site .. ':outbox:leg:' .. leg, leg_id, 'PX', 600000)
end
if lease ~= '' then
  local f = call('HMGET', site .. ':c:' .. call_id, 'st', 'fe')
  if f[2] ~= lease or f[1] == 'e' or f[1] == 'w' or f[1] == 'q' then return {'PASSED'} end
end
return {'OK'}
