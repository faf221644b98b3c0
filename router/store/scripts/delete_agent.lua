--[[
  delete_agent -- an agent leaves the house.

  KEYS[1] site          prefix of every key

  ARGV[1] clock         '' server time, 'v' last virtual time, or ms
  ARGV[2] agent_id
  ARGV[3] expected      the card it was read as, '' any

  RETURNS {OK} | {ENGAGED} | {STALE} | {UNKNOWN} | {NOT_VIRTUAL}
  EVENTS  agent.deleted
  WHY     callers standing in the agent's lane are walked on by the lane's deadline; none waits for someone who is gone.
]]
--- @include "keys"
--- @include "clock"
--- @include "emit"
--- @include "duty"
--- @include "headcount"

local f = call('HMGET', A .. agent_id, 'st', 'pr')
if not f[1] then return 'UNKNOWN' end
if f[1] == 'o' or f[1] == 't' then return 'ENGAGED' end
if expected ~= '' and call('GET', D .. agent_id) ~= expected then return 'STALE' end

emit('agent.deleted|agent=' .. agent_id .. '|was=' .. f[1])
call('ZREM', I .. f[2], agent_id)
call('ZREM', T, 'a:' .. agent_id)
call('DEL', A .. agent_id, D .. agent_id)
call('SREM', AGENTS, agent_id)
headcount(f[2], OFF[f[1]] and 0 or -1, -1)
if not OFF[f[1]] then
  left_duty(agent_id, f[2])
end
return 'OK'
