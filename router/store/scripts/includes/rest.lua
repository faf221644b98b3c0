--[[
  rest -- where an agent goes who lost a call they had: cooling, doubled for each miss in a row, or the state they asked for.

  Counted as a miss: declined, expired, busy, no_answer, break. Not counted: device, network, bridge.
  NEEDS   cooling_ms cooling_max_ms
  EVENTS  agent.cooling agent.away
]]
local COUNTED = {declined = true, expired = true, busy = true, no_answer = true, ['break'] = true, offline = true}

local function rest(agent, cause, goes, reason)
  local f = call('HMGET', A .. agent, 'pr', 'ms', 'fe')
  local misses, pause = tonumber(f[2] or 0), tonumber(cooling_ms)
  if COUNTED[cause] then
    misses = misses + 1
    pause = math.min(pause * 2 ^ (misses - 1), tonumber(cooling_max_ms))
  end
  local tell = COUNTED[cause] and misses >= 3 and '|tell=1' or ''
  if goes ~= '' then
    emit('agent.away|agent=' .. agent .. '|state=' .. goes .. '|was=o|cause=' .. cause .. '|reason=' .. reason .. tell)
    call('HSET', A .. agent, 'st', goes, 'ca', '', 'sn', at, 'ms', misses, 'ld', f[3], 'nx', '', 'rn', reason)
    call('ZREM', T, 'a:' .. agent)
    headcount(f[1], -1, 0)
    left_duty(agent, f[1])
    return
  end
  emit('agent.cooling|agent=' .. agent .. '|cause=' .. cause .. '|misses=' .. misses .. '|rest=' .. pause .. tell)
  call('HSET', A .. agent, 'st', 'c', 'ca', '', 'sn', at, 'ms', misses, 'ld', cause ~= 'expired' and f[3] or '')
  call('ZADD', T, now + pause, 'a:' .. agent)
end
