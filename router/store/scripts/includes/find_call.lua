--[[
  find_call -- which call an agent takes: own lane, then lowest level, then lowest rank.

  `counted`: 1 when the agent stands in the ready set, 0 when not yet.
  Answers the call's fields {id, ln, sp, mx} and the lane, or nil.
]]
local function avoids(av, agent)
  return av and av ~= '' and string.find(' ' .. av .. ' ', ' ' .. agent .. ' ', 1, true) ~= nil
end

local function first_of(lane, agent, heads)
  local row = call('ZRANGE', W .. lane, 0, heads - 1, 'WITHSCORES')
  for i = 1, #row, 2 do
    if heads == 1 or not avoids(call('HGET', C .. row[i], 'av'), agent) then return row[i], tonumber(row[i + 1]) end
  end
end

local function best_of(lanes, only, agent, heads)
  local level, id, rank, lane = nil, nil, nil, nil
  for at, name in string.gmatch(lanes, '(%d+):(%S+)') do
    if id and at ~= level then break end
    if not only or string.match(name, '^[^+]+') == only then
      local head, its_rank = first_of(name, agent, heads)
      if head and (not id or its_rank < rank or (its_rank == rank and head < id)) then
        level, id, rank, lane = at, head, its_rank, name
      end
    end
  end
  return id, lane
end

local function find_call(agent, profile, counted)
  local lane = '@' .. agent
  local id = call('ZRANGE', W .. lane, 0, 0)[1]
  local lanes, keep, only = nil, '', nil
  if not id then
    local row = call('HGET', G, 'p' .. profile)
    if not row then return nil end
    lanes, keep = string.match(row, '^([^;]*);(.*)$')
    if lanes == '' then return nil end
    id, lane = best_of(lanes, nil, agent, 1)
    if not id then return nil end
    -- What keeps is only looked at when the best call would take the agent from another group than the one that keeps.
    local group = string.match(lane, '^[^+]+')
    if keep ~= '' and string.match(keep, '^([^ =]+)=%d+=%S+$') ~= group then
      --- @include "keep_free"
      only = shortage(keep, counted)
      if only == '*' then return nil end
      if only and only ~= group then
        id, lane = best_of(lanes, only, agent, 1)
        if not id then return nil end
      end
    end
  end
  local f = call('HMGET', C .. id, 'ln', 'sp', 'mx', 'av')
  if lanes and avoids(f[4], agent) then
    if keep ~= '' then
      --- @include "keep_free"
      only = shortage(keep, counted)
    end
    local other, its_lane = best_of(lanes, only, agent, 16)
    if other then
      id, lane = other, its_lane
      f = call('HMGET', C .. id, 'ln', 'sp', 'mx')
    end
  end
  return {id = id, ln = f[1], sp = f[2], mx = f[3]}, lane
end
