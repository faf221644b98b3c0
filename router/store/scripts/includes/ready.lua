--[[
  ready -- an agent becomes ready: takes a call at once, or stands in the ready set and lets those look whom
  keep_free held back. `since`: the old ready-since of an agent who lost the caller, or now.
  EVENTS  agent.ready
]]
local function become_ready(agent, profile, since, cause)
  local c, lane = find_call(agent, profile, 0)
  if c then
    lease(c, agent, lane, since, true, nil, nil, cause == 'repaired' and '|cause=repaired')
    return 'o', c.id, c.fe
  end
  emit('agent.ready|agent=' .. agent .. '|cause=' .. cause)
  call('HSET', A .. agent, 'st', 'r', 'ca', '', 'sn', at, 'rs', since)
  call('ZADD', I .. profile, since, agent)
  call('ZREM', T, 'a:' .. agent)
  --- @include "look"
  look_for_kept(profile)
  local f = call('HMGET', A .. agent, 'st', 'ca', 'fe')
  return f[1], f[2], f[3]
end
