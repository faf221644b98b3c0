--[[
  decline_offer -- the agent, or the agent's leg, does not take the call: it goes back to its place and looks again.

  KEYS[1] site          prefix of every key

  ARGV[1] clock         '' server time, 'v' last virtual time, or ms
  ARGV[2] call_id
  ARGV[3] agent_id      '' whoever holds the lease; a dial of a callback is then over, unless only_in names it
  ARGV[4] offer         fence
  ARGV[5] cause         declined | busy | no_answer | device | network | bridge
  ARGV[6] offer_ms
  ARGV[7] question_ms
  ARGV[8] cooling_ms
  ARGV[9] cooling_max_ms
  ARGV[10] tombstone_ms
  ARGV[11] retain_ended_ms
  ARGV[12] reason       the agent's own words: a JSON string, see includes/words
  ARGV[13] only_in      states in which it is meant: o not taken, b taken, d a callback's customer is dialled; '' all

  RETURNS {OK, state} | {OFFER_GONE} | {NOT_VIRTUAL}
  EVENTS  none of its own
  WHY     agent and caller are let go of together, and the caller is matched again before anyone else can look.
]]
--- @include "keys"
--- @include "clock"
--- @include "emit"
--- @include "words"
--- @include "call_record"
--- @include "keep_free"
--- @include "duty"
--- @include "headcount"
--- @include "find_agent"
--- @include "lease"
--- @include "find_call"
--- @include "ready"
--- @include "end_call"
--- @include "advance"
--- @include "rest"
--- @include "heir"
--- @include "return_call"
--- @include "dial_over"

local c = read_call(call_id)
local agent = agent_id ~= '' and agent_id or (c and c.ag or '')
if not c or c.fe ~= offer or c.ag ~= agent or (c.st ~= 'o' and c.st ~= 'b') then
  local by = agent_id ~= '' and agent_id or c and string.match(c.av, '(%S+)$') or ''
  local last = call('HGET', A .. by, 'ld')
  if last and last == offer then return 'OK ' .. (c and c.st or 'e') end
  return 'OFFER_GONE'
end
local stands = c.st == 'b' and c.callback and 'd' or c.st
if only_in ~= '' and not string.find(only_in, stands, 1, true) then return 'OFFER_GONE' end
if agent_id == '' and stands == 'd' and only_in == '' then
  dial_over(c, cause)
  return 'OK e'
end

local told = announce_return(c, reason ~= '' and cause .. '|reason=' .. mark(reason) or cause)
put_down(call_id, told, reason)
rest(c.ag, cause, '', '')
return_call(c)
return 'OK ' .. c.st
