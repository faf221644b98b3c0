--[[
  headcount -- how many agents are on duty and exist, by profile (n) and so for every lane (its row in the guide).

  n: profile -> agents on duty; profile* -> agents that exist. A lane's row: `on duty/existing;level:profile …`.
]]
local function counted(list)
  local fields = {}
  for profile in string.gmatch(list, ':(%d+)') do
    fields[#fields + 1] = profile
    fields[#fields + 1] = profile .. '*'
  end
  if #fields == 0 then return '0/0;' end
  local n, duty, existing = call('HMGET', N, unpack(fields)), 0, 0
  for i = 1, #n, 2 do
    duty = duty + (n[i] or 0)
    existing = existing + (n[i + 1] or 0)
  end
  return duty .. '/' .. existing .. ';' .. list
end

local function headcount(profile, duty, existing)
  if duty ~= 0 then call('HINCRBY', N, profile, duty) end
  if existing ~= 0 then call('HINCRBY', N, profile .. '*', existing) end
  for lane in string.gmatch(string.match(call('HGET', G, 'p' .. profile) or '', '^[^;]*'), ':(%S+)') do
    call('HSET', G, 'L' .. lane, counted(string.match(call('HGET', G, 'L' .. lane), ';(.*)$')))
  end
end
