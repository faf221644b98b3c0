--[[
  lose_leg -- the agent's leg broke in mid-talk: the caller waits again at the original rank, the agent rests uncounted.

  KEYS[1] site          prefix of every key

  ARGV[1] clock         '' server time, 'v' last virtual time, or ms
  ARGV[2] call_id
  ARGV[3] offer         fence
  ARGV[4] cause         device | network
  ARGV[5] offer_ms
  ARGV[6] question_ms
  ARGV[7] cooling_ms
  ARGV[8] cooling_max_ms
  ARGV[9] tombstone_ms
  ARGV[10] retain_ended_ms

  RETURNS {OK, state} | {OFFER_GONE} | {NOT_VIRTUAL}
  EVENTS  none of its own
  WHY     a broken headset is not a hang-up: the caller must not have to begin anew.
]]
--- @include "keys"
--- @include "clock"
--- @include "emit"
--- @include "call_record"
--- @include "keep_free"
--- @include "duty"
--- @include "headcount"
--- @include "find_agent"
--- @include "lease"
--- @include "end_call"
--- @include "advance"
--- @include "rest"
--- @include "heir"
--- @include "return_call"

local c = read_call(call_id)
if not c or c.fe ~= offer or c.st ~= 'c' then
  local by = c and string.match(c.av, '(%S+)$')
  if by and call('HGET', A .. by, 'ld') == offer then return 'OK ' .. c.st end
  return 'OFFER_GONE'
end

announce_return(c, cause)
rest(c.ag, cause, call('HGET', A .. c.ag, 'nx') or '', call('HGET', A .. c.ag, 'rn') or '')
return_call(c)
return 'OK ' .. c.st
