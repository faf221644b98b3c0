--[[
  duty -- who is on duty for a lane, and the deadline of a lane that lost its last agent.

  n: profile -> agents on duty; profile* -> agents that exist.
]]
local OFF = {x = true, b = true}

local function on_duty(lane)
  if string.sub(lane, 1, 1) == '@' then
    local st = call('HGET', A .. string.sub(lane, 2), 'st')
    return st ~= false and not OFF[st]
  end
  for profile in string.gmatch(call('HGET', G, 'L' .. lane) or '', ':(%d+)') do
    if tonumber(call('HGET', N, profile) or 0) > 0 then return true end
  end
  return false
end

local function sweep_if_deserted(lane)
  if call('EXISTS', W .. lane) == 1 and not on_duty(lane) then call('ZADD', T, now, 'l:' .. lane) end
end

-- Call after the counters and the agent's state are written.
local function left_duty(agent, profile)
  sweep_if_deserted('@' .. agent)
  if tonumber(call('HGET', N, profile) or 0) > 0 then return end
  for lane in string.gmatch(string.match(call('HGET', G, 'p' .. profile) or '', '^[^;]*') or '', ':(%S+)') do
    sweep_if_deserted(lane)
  end
end
