--[[
  agent_away -- an agent goes on a break or offline: at once when free or being rung, after wrap-up when busy.

  KEYS[1] site          prefix of every key

  ARGV[1] clock         '' server time, 'v' last virtual time, or ms
  ARGV[2] agent_id
  ARGV[3] state         b break | x offline
  ARGV[4] reason        percent-encoded
  ARGV[5] offer_ms
  ARGV[6] question_ms
  ARGV[7] cooling_ms
  ARGV[8] cooling_max_ms
  ARGV[9] tombstone_ms
  ARGV[10] retain_ended_ms

  RETURNS {OK, state} | {UNKNOWN} | {NOT_VIRTUAL}
  EVENTS  agent.away agent.next_state
  WHY     the caller being rung to this agent is back in line before the agent is gone.
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

local f = call('HMGET', A .. agent_id, 'st', 'pr', 'ca', 'nx')
local was, profile = f[1], f[2]
if not was then return 'UNKNOWN' end
if was == state then return 'OK ' .. was end
if was == 't' or was == 'w' then
  if f[4] ~= state then
    emit('agent.next_state|agent=' .. agent_id .. '|state=' .. state .. '|reason=' .. reason)
    call('HSET', A .. agent_id, 'nx', state, 'rn', reason)
  end
  return 'OK ' .. was
end
if was == 'o' then
  local c = read_call(f[3])
  announce_return(c, 'break')
  rest(agent_id, 'break', state, reason)
  return_call(c)
  return 'OK ' .. state
end

emit('agent.away|agent=' .. agent_id .. '|state=' .. state .. '|was=' .. was .. '|cause=asked|reason=' .. reason)
call('HSET', A .. agent_id, 'st', state, 'ca', '', 'sn', at, 'nx', '', 'rn', reason)
if was == 'r' then call('ZREM', I .. profile, agent_id) end
if was == 'c' then call('ZREM', T, 'a:' .. agent_id) end
if was ~= 'x' and was ~= 'b' then
  headcount(profile, -1, 0)
  left_duty(agent_id, profile)
end
return 'OK ' .. state
