--[[
  look -- an agent who stands ready looks for a call; and those look whom keep_free held back in this profile's groups.
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
