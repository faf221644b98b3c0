--[[
  predecessor -- a new call meets the newest one of its identity: a line cut off, a dead leg, or a callback.

  Answers whether the new call is held until the dial of a callback ends, and the agent whom a superseded callback frees.
  NEEDS   recall_ms head_start_ms
  EVENTS  call.recalled
]]
--- @include "end_call"
-- A call greeted before the old one came has the longer wait itself.
local function earlier(c, old)
  return tonumber(old.accepted) < tonumber(c.accepted) and old.accepted or c.accepted
end

-- The rank of a callback passes with its place, unless the caller's own is the better by now.
local function take_place(c, old)
  c.took = old.id
  c.accepted = earlier(c, old)
  local own = (c.accepted - head_start_ms) * 1000 + old.rank % 1000
  c.rank = own < tonumber(old.rank) and string.format('%d', own) or old.rank
end

local function succeed(c, newest)
  local old = read_call(newest)
  if not old or old.st == 'c' then return nil, nil end
  if old.st == 'e' then
    local ending = call('HMGET', C .. old.id, 'oc', 'en')
    if (ending[1] == 'abandoned' or ending[1] == 'short_abandoned') and now - ending[2] <= tonumber(recall_ms) then
      emit('call.recalled|call=' .. c.id .. '|old=' .. old.id .. '|accepted=' .. old.accepted)
      call('HSET', C .. old.id, 'oc', 'recalled')
      c.accepted = earlier(c, old)
    end
    return nil, nil
  end
  if old.callback and old.st ~= 'b' then
    take_place(c, old)
    local agent = old.st == 'o' and old.ag or nil
    end_call(old, 'superseded', 'called_in', not agent)
    return nil, agent
  end
  if old.callback then take_place(c, old) end
  call('HSET', C .. old.id, 'hr', c.id, 'hc', now)
  return old.callback, nil
end
