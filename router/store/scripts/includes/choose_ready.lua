--[[
  choose_ready -- the ready agent a call takes in one lane: {agent, ready since, profile}, or nil where keep_free holds all.

  `skip`: pass over those who returned this call. `list`: `level:profile …`, lowest level first.
]]
local function avoided(c, agent)
  return c.av ~= '' and string.find(' ' .. c.av .. ' ', ' ' .. agent .. ' ', 1, true) ~= nil
end

--- @include "keep_free"
local function choose_ready(c, lane, skip, list)
  local level, agent, since, profile = nil, nil, nil, nil
  for at_level, p in string.gmatch(list, '(%d+):(%d+)') do
    if agent and at_level ~= level then break end
    local row = call('ZRANGE', I .. p, 0, c.av ~= '' and 3 or 0, 'WITHSCORES')
    if #row > 0 then
      local keep = string.match(call('HGET', G, 'p' .. p) or '', ';(.*)$') or ''
      local only = keep ~= '' and shortage(keep, 1) or nil
      if not only or only == string.match(lane, '^[^+]+') then
        local last = c.la ~= '' and not (skip and avoided(c, c.la)) and call('ZSCORE', I .. p, c.la)
        if last then return c.la, last, p end
        for i = 1, #row, 2 do
          if not (skip and avoided(c, row[i])) then
            local its = tonumber(row[i + 1])
            if not agent or its < tonumber(since) or (its == tonumber(since) and row[i] < agent) then
              level, agent, since, profile = at_level, row[i], row[i + 1], p
            end
            break
          end
        end
      end
    end
  end
  return agent, since, profile
end
