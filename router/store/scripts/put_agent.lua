--[[
  put_agent -- an agent is created or changed; a ready one looks at once with the new groups and skills.

  KEYS[1] site          prefix of every key

  ARGV[1] clock         '' server time, 'v' last virtual time, or ms
  ARGV[2] agent_id
  ARGV[3] profile       definition: group=level …;skill …
  ARGV[4] card          what the engine never reads
  ARGV[5] expected      the card it was edited from, '' any, '-' only when absent
  ARGV[6] offer_ms

  RETURNS {OK, state, created} | {STALE} | {NOT_VIRTUAL}
  EVENTS  agent.put
  WHY     an agent is counted in one profile at every moment; calls waiting for the new skill are enrolled with it.
]]
--- @include "keys"
--- @include "clock"
--- @include "emit"
--- @include "keep_free"
--- @include "duty"
--- @include "headcount"
--- @include "lease"
--- @include "find_call"
--- @include "look"
--- @include "guide"

local card_now = call('GET', D .. agent_id)
if expected ~= '' and (card_now or '-') ~= expected then return 'STALE' end
local f = call('HMGET', A .. agent_id, 'st', 'pr', 'rs')
local number = call('HGET', G, 'D' .. profile)
if f[1] and number == f[2] and card_now == card then return 'OK ' .. f[1] .. ' 0' end

emit('agent.put|agent=' .. agent_id .. '|profile=' .. profile)
if not number then
  number = string.format('%d', call('HINCRBY', G, '#', 1))
  call('HSET', G, 'D' .. profile, number, 'P' .. number, profile)
  rebuild_guide()
end
call('SET', D .. agent_id, card)
if not f[1] then
  call('SADD', AGENTS, agent_id)
  call('HSET', A .. agent_id, 'st', 'x', 'pr', number, 'ca', '', 'fe', '', 'sn', at, 'rs', at)
  headcount(number, 0, 1)
  return 'OK x 1'
end
if number ~= f[2] then
  call('HSET', A .. agent_id, 'pr', number)
  local duty = OFF[f[1]] and 0 or 1
  headcount(f[2], -duty, -1)
  headcount(number, duty, 1)
  if duty == 1 then left_duty(agent_id, f[2]) end
  if f[1] == 'r' then
    call('ZREM', I .. f[2], agent_id)
    call('ZADD', I .. number, f[3], agent_id)
    if not look(agent_id, number) then look_for_kept(number) end
  end
end
return 'OK ' .. call('HGET', A .. agent_id, 'st') .. ' 0'
