--[[
  guide -- which profiles serve a lane and which lanes a profile serves, computed anew when either set changes.

  g: P<profile> definition `group=level …;skill …` · L<lane> `on duty/existing;level:profile …` · p<profile> `level:lane …;group=r=profiles …`
     v plan version · k keep_free `group=r …` · x closed groups ` a b ` · # last profile number
]]
local function by_level(a, b)
  if a[1] ~= b[1] then return a[1] < b[1] end
  return a[2] < b[2]
end

local function level_of(def, group, skills)
  local level = def.groups[group]
  if not level then return nil end
  for skill in string.gmatch(skills, '[^+]+') do
    if not def.skills[skill] then return nil end
  end
  return level
end

local function rebuild_guide()
  local flat, defs, ids, lanes, keep, closed = call('HGETALL', G), {}, {}, {}, {}, ' '
  for i = 1, #flat, 2 do
    local key, name, value = string.sub(flat[i], 1, 1), string.sub(flat[i], 2), flat[i + 1]
    if key == 'P' then
      local def = {groups = {}, skills = {}}
      local groups, skills = string.match(value, '^([^;]*);(.*)$')
      for group, level in string.gmatch(groups, '([^ =]+)=(%d+)') do def.groups[group] = tonumber(level) end
      for skill in string.gmatch(skills, '%S+') do def.skills[skill] = true end
      defs[name] = def
      ids[#ids + 1] = tonumber(name)
    elseif key == 'L' then
      lanes[#lanes + 1] = name
    elseif flat[i] == 'k' then
      for group, r in string.gmatch(value, '([^ =]+)=(%d+)') do keep[group] = tonumber(r) end
    elseif flat[i] == 'x' then
      closed = value
    end
  end
  table.sort(ids)
  table.sort(lanes)
  local rows = {}
  for _, lane in ipairs(lanes) do
    local group, skills = string.match(lane, '^([^+]+)(.*)$')
    local list = {}
    local open = not string.find(closed, ' ' .. group .. ' ', 1, true)
    if open then
      for _, id in ipairs(ids) do
        local level = level_of(defs[tostring(id)], group, skills)
        if level then
          list[#list + 1] = {level, id}
          rows[id] = rows[id] or {}
          rows[id][#rows[id] + 1] = {level, lane}
        end
      end
    end
    table.sort(list, by_level)
    for i, pair in ipairs(list) do list[i] = pair[1] .. ':' .. pair[2] end
    call('HSET', G, 'L' .. lane, open and counted(table.concat(list, ' ')) or '0/x;')
  end
  for _, id in ipairs(ids) do
    local row, kept = rows[id] or {}, {}
    table.sort(row, by_level)
    for i, pair in ipairs(row) do row[i] = pair[1] .. ':' .. pair[2] end
    for group in pairs(defs[tostring(id)].groups) do
      if (keep[group] or 0) > 0 then
        local having = {}
        for _, other in ipairs(ids) do
          if defs[tostring(other)].groups[group] then having[#having + 1] = other end
        end
        kept[#kept + 1] = group .. '=' .. keep[group] .. '=' .. table.concat(having, ',')
      end
    end
    table.sort(kept)
    call('HSET', G, 'p' .. id, table.concat(row, ' ') .. ';' .. table.concat(kept, ' '))
  end
end
