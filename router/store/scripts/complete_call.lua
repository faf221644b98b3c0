--[[
  complete_call -- the talk is over: the call ends answered, the agent wraps up.

  KEYS[1] site          prefix of every key

  ARGV[1] clock         '' server time, 'v' last virtual time, or ms
  ARGV[2] call_id
  ARGV[3] agent_id      '' when the offer says enough
  ARGV[4] offer         fence, '' when the agent says enough
  ARGV[5] result        resolved, follow_up …, percent-encoded
  ARGV[6] wrap_up_ms
  ARGV[7] tombstone_ms
  ARGV[8] retain_ended_ms

  RETURNS {OK, state} | {OFFER_GONE} | {UNKNOWN} | {WRONG_STATE, state} | {NOT_VIRTUAL}
  EVENTS  none of its own
  WHY     the wrap-up starts in the script that ends the talk, or the agent is rung in between.
]]
--- @include "keys"
--- @include "clock"
--- @include "emit"
--- @include "end_call"

local f = call('HMGET', C .. call_id, 'st', 'ag', 'fe', 'sp', 'mx')
if not f[1] then return 'UNKNOWN' end
if (offer ~= '' and f[3] ~= offer) or (agent_id ~= '' and f[2] ~= agent_id) then return 'OFFER_GONE' end
if f[1] == 'e' and f[2] ~= '' then return 'OK e' end
if f[1] ~= 'c' then return 'WRONG_STATE ' .. f[1] end

local agent = f[2]
local c = {id = call_id, st = 'c', ag = agent, fe = f[3], sp = f[4], mx = f[5], ln = '',
           callback = string.find(f[5], '^%d*;%d*;k') ~= nil}
end_call(c, 'answered', 'complete|result=' .. result, false)
call('HSET', A .. agent, 'st', 'w', 'ca', '', 'sn', at)
call('ZADD', T, string.format('%d', now + wrap_up_ms), 'a:' .. agent)
return 'OK e'
