--[[
  agent_ready -- an agent is ready: from a break, from offline, or before wrap-up or rest have run out.

  KEYS[1] site          prefix of every key

  ARGV[1] clock         '' server time, 'v' last virtual time, or ms
  ARGV[2] agent_id
  ARGV[3] offer_ms

  RETURNS {OK, state, call, offer} | {UNKNOWN} | {NOT_VIRTUAL}
  EVENTS  agent.next_state
  WHY     becoming ready and taking the first caller are one step: no caller waits while a ready agent of the lane stands idle.
]]
--- @include "keys"
--- @include "clock"
--- @include "emit"
--- @include "keep_free"
--- @include "lease"
--- @include "find_call"
--- @include "ready"

local f = call('HMGET', A .. agent_id, 'st', 'pr', 'nx', 'ms')
local state, profile = f[1], f[2]
if not state then return 'UNKNOWN' end
if state == 'r' then return 'OK r  ' end
if state == 'o' or state == 't' then
  if f[3] and f[3] ~= '' then
    emit('agent.next_state|agent=' .. agent_id .. '|state=ready')
    call('HSET', A .. agent_id, 'nx', '')
  end
  local call_and_offer = call('HMGET', A .. agent_id, 'ca', 'fe')
  return 'OK ' .. state .. ' ' .. table.concat(call_and_offer, ' ')
end

if (f[3] and f[3] ~= '') or (f[4] and f[4] ~= '0') then call('HSET', A .. agent_id, 'nx', '', 'ms', '0') end
if state == 'x' or state == 'b' then
  --- @include "headcount"
  headcount(profile, 1, 0)
end
local st, c, fence = become_ready(agent_id, profile, now, state)
return 'OK ' .. st .. ' ' .. (c or '') .. ' ' .. (fence or '')
