--[[
  rematch -- the rules changed, not the agents: every profile of the groups named lets its longest-ready agents look until
  one finds nothing. `groups`: ` a b `, or '' for all.
]]
local function rematch(groups)
  local flat = call('HGETALL', G)
  local ids = {}
  for i = 1, #flat, 2 do
    local id = string.match(flat[i], '^P(%d+)$')
    if id then
      local serves = groups == ''
      for group in string.gmatch(string.match(flat[i + 1], '^[^;]*'), '([^ =]+)=') do
        serves = serves or string.find(groups, ' ' .. group .. ' ', 1, true) ~= nil
      end
      if serves then ids[#ids + 1] = tonumber(id) end
    end
  end
  table.sort(ids)
  for _, id in ipairs(ids) do
    local head = call('ZRANGE', I .. id, 0, 0)[1]
    while head and look(head, id) do head = call('ZRANGE', I .. id, 0, 0)[1] end
  end
end
