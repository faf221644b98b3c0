--[[
  go_on -- wrap-up or rest is over: the state the agent asked for meanwhile, else ready.
  EVENTS  agent.away
]]
local function go_on(agent, profile, cause)
  local f = call('HMGET', A .. agent, 'nx', 'rn')
  if not f[1] or f[1] == '' then return become_ready(agent, profile, now, cause) end
  emit('agent.away|agent=' .. agent .. '|state=' .. f[1] .. '|was=w|cause=' .. cause .. '|reason=' .. (f[2] or ''))
  call('HSET', A .. agent, 'st', f[1], 'ca', '', 'sn', at, 'nx', '')
  call('ZREM', T, 'a:' .. agent)
  headcount(profile, -1, 0)
  left_duty(agent, profile)
  return f[1]
end
