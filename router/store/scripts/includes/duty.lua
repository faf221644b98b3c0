--[[
  duty -- whether anybody is on duty for a lane, and the deadline of a lane that lost its last agent.
]]
local OFF = {x = true, b = true}

local function on_duty(lane)
  if string.sub(lane, 1, 1) == '@' then
    local st = call('HGET', A .. string.sub(lane, 2), 'st')
    return st ~= false and not OFF[st]
  end
  return string.sub(call('HGET', G, 'L' .. lane) or '0/', 1, 2) ~= '0/'
end

local function sweep_if_deserted(lane)
  if call('EXISTS', W .. lane) == 1 and not on_duty(lane) then call('ZADD', T, at, 'l:' .. lane) end
end

-- Call after the counts and the agent's state are written.
local function left_duty(agent, profile)
  sweep_if_deserted('@' .. agent)
  for lane in string.gmatch(string.match(call('HGET', G, 'p' .. profile) or '', '^[^;]*') or '', ':(%S+)') do
    sweep_if_deserted(lane)
  end
end
