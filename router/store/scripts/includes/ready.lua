--[[
  ready -- an agent becomes ready: takes a call at once, or stands in the ready set and lets those look whom
  keep_free held back. `since`: the old ready-since of an agent who lost the caller, or now.
  EVENTS  agent.ready
]]
local function look(agent, profile)
  local c, lane = find_call(agent, profile, 1)
  if not c then return false end
  lease(c, agent, lane, call('ZSCORE', I .. profile, agent), true, profile)
  return true
end

local function look_for_kept(profile)
  local keep = string.match(call('HGET', G, 'p' .. profile) or '', ';(.*)$') or ''
  for group, r, profiles in string.gmatch(keep, '([^ =]+)=(%d+)=(%S+)') do
    local ready = 0
    for p in string.gmatch(profiles, '%d+') do ready = ready + call('ZCARD', I .. p) end
    if ready > tonumber(r) then
      for p in string.gmatch(profiles, '%d+') do
        local head = call('ZRANGE', I .. p, 0, 0)[1]
        if head then look(head, p) end
      end
    end
  end
end

local function become_ready(agent, profile, since, cause)
  local c, lane = find_call(agent, profile, 0)
  if c then
    lease(c, agent, lane, since, true, nil)
    return 'o', c.id, c.fe
  end
  emit('agent.ready|agent=' .. agent .. '|cause=' .. cause)
  call('HSET', A .. agent, 'st', 'r', 'ca', '', 'sn', at, 'rs', since)
  call('ZADD', I .. profile, since, agent)
  call('ZREM', T, 'a:' .. agent)
  look_for_kept(profile)
  local f = call('HMGET', A .. agent, 'st', 'ca', 'fe')
  return f[1], f[2], f[3]
end
