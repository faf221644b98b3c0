--[[
  predecessor -- a new call meets the newest one of its identity: a line cut off, a dead leg, or a callback.

  Answers whether the new call is held until the dial of a callback ends, and the agent whom a superseded callback frees.
  NEEDS   recall_ms
  EVENTS  call.recalled
]]
--- @include "end_call"
local function succeed(c, newest)
  local old = read_call(newest)
  if not old or old.st == 'c' then return nil, nil end
  if old.st == 'e' then
    local ending = call('HMGET', C .. old.id, 'oc', 'en')
    if (ending[1] == 'abandoned' or ending[1] == 'short_abandoned') and now - ending[2] <= tonumber(recall_ms) then
      emit('call.recalled|call=' .. c.id .. '|old=' .. old.id .. '|accepted=' .. old.accepted)
      call('HSET', C .. old.id, 'oc', 'recalled')
      c.accepted = old.accepted
    end
    return nil, nil
  end
  if old.callback and old.st ~= 'b' then
    c.rank, c.accepted = old.rank, old.accepted
    local agent = old.st == 'o' and old.ag or nil
    end_call(old, 'superseded', 'called_in', not agent)
    return nil, agent
  end
  if old.callback then c.rank, c.accepted = old.rank, old.accepted end
  call('HSET', C .. old.id, 'hr', c.id)
  return old.callback, nil
end
