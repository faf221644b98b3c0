--[[
  find_agent -- which agent a call takes: first lane with a ready one, there the lowest level, then the customer's
  last agent, then the longest ready. Those who returned this call are passed over while another choice exists.

  c.seen collects what the script saw: ` @agent=state,since` and ` lane=ready/on duty/existing` (x: its group is closed); c.duty is set when anybody
  is on duty for the lanes looked at. c.row is the guide's row of lane c.known, where the caller has read it already.
]]
local function find_agent(c, lanes)
  for pass = 1, c.av ~= '' and 2 or 1 do
    for i = 1, #lanes do
      local lane = lanes[i]
      if string.sub(lane, 1, 1) == '@' then
        local id = string.sub(lane, 2)
        local f = call('HMGET', A .. id, 'st', 'sn', 'rs', 'pr')
        if pass == 1 then
          c.seen = c.seen .. ' ' .. lane .. '=' .. (f[1] or '-') .. ',' .. (f[2] or '')
          if f[1] and f[1] ~= 'x' and f[1] ~= 'b' then c.duty = true end
        end
        if f[1] == 'r' then return id, lane, f[3], f[4] end
      else
        local row = lane == c.known and c.row or call('HGET', G, 'L' .. lane) or '0/0;'
        local counts, list = string.match(row, '^([^;]*);(.*)$')
        local sets = {}
        for profile in string.gmatch(list, ':(%d+)') do sets[#sets + 1] = I .. profile end
        if #sets > 0 and call('EXISTS', unpack(sets)) > 0 then
          --- @include "choose_ready"
          local agent, since, profile = choose_ready(c, lane, pass == 1, list)
          if agent then
            c.seen = c.seen .. ' ' .. lane .. '=1/' .. counts
            return agent, lane, since, profile
          end
        end
        if pass == 1 then
          c.seen = c.seen .. ' ' .. lane .. '=0/' .. counts
          if string.sub(counts, 1, 2) ~= '0/' then c.duty = true end
        end
      end
    end
  end
end
