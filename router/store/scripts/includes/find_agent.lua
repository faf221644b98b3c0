--[[
  find_agent -- which agent a call takes: first lane with a ready one, there the lowest level, then the customer's
  last agent, then the longest ready. Those who returned this call are passed over while another choice exists.

  `seen` collects what the script saw: `@agent=state,since` and `lane=ready/on duty/existing`; `c.duty` counts who is
  on duty for the lanes looked at.
]]
local function avoided(c, agent)
  return c.av ~= '' and string.find(' ' .. c.av .. ' ', ' ' .. agent .. ' ', 1, true) ~= nil
end

local function choose_ready(c, lane, skip, list)
  local level, agent, since, profile = nil, nil, nil, nil
  for at, p in string.gmatch(list, '(%d+):(%d+)') do
    if agent and at ~= level then break end
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
              level, agent, since, profile = at, row[i], row[i + 1], p
            end
            break
          end
        end
      end
    end
  end
  return agent, since, profile
end

local function find_agent(c, lanes, seen)
  for pass = 1, c.av ~= '' and 2 or 1 do
    for _, lane in ipairs(lanes) do
      if string.sub(lane, 1, 1) == '@' then
        local id = string.sub(lane, 2)
        local f = call('HMGET', A .. id, 'st', 'sn', 'rs', 'pr')
        if pass == 1 then
          seen[#seen + 1] = lane .. '=' .. (f[1] or '-') .. ',' .. (f[2] or '')
          if f[1] and f[1] ~= 'x' and f[1] ~= 'b' then c.duty = c.duty + 1 end
        end
        if f[1] == 'r' then return id, lane, f[3], f[4] end
      else
        local list = call('HGET', G, 'L' .. lane) or ''
        local sets, all = {}, {}
        for p in string.gmatch(list, ':(%d+)') do
          sets[#sets + 1] = I .. p
          all[#all + 1] = p
          all[#all + 1] = p .. '*'
        end
        local duty, existing = 0, 0
        if #sets > 0 then
          local agent, since, profile = nil, nil, nil
          if call('EXISTS', unpack(sets)) > 0 then
            agent, since, profile = choose_ready(c, lane, pass == 1, list)
          end
          if pass == 1 or agent then
            local n = call('HMGET', N, unpack(all))
            for i = 1, #n, 2 do
              duty = duty + (n[i] or 0)
              existing = existing + (n[i + 1] or 0)
            end
          end
          if agent then
            seen[#seen + 1] = lane .. '=1/' .. duty .. '/' .. existing
            return agent, lane, since, profile
          end
        end
        if pass == 1 then
          seen[#seen + 1] = lane .. '=0/' .. duty .. '/' .. existing
          c.duty = c.duty + duty
        end
      end
    end
  end
end
