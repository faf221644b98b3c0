--[[
  open_group -- a closed group serves again, by a supervisor's word or because its time has come.

  KEYS[1] site          prefix of every key

  ARGV[1] clock         '' server time, 'v' last virtual time, or ms
  ARGV[2] group
  ARGV[3] by            who; 'deadline' acts only when the time has come
  ARGV[4] offer_ms

  RETURNS {OK} | {NOT_DUE} | {NOT_VIRTUAL}
  EVENTS  group.opened
  WHY     those still standing in its lanes are found by its ready agents in the same script.
]]
--- @include "keys"
--- @include "clock"
--- @include "emit"
--- @include "keep_free"
--- @include "lease"
--- @include "find_call"
--- @include "look"
--- @include "headcount"
--- @include "guide"
--- @include "rematch"

local due = call('ZSCORE', T, 'g:' .. group)
if by == 'deadline' and (not due or tonumber(due) > now) then return 'NOT_DUE' end
local closed = call('HGET', G, 'x') or ' '
local from, to = string.find(closed, ' ' .. group .. ' ', 1, true)
if not from then
  call('ZREM', T, 'g:' .. group)
  return 'OK'
end

emit('group.opened|group=' .. group .. '|by=' .. by)
call('ZREM', T, 'g:' .. group)
local still = string.sub(closed, 1, from) .. string.sub(closed, to + 1)
-- With the last one the row goes: whether any group is closed decides whether callers may be sent away.
if still == ' ' then call('HDEL', G, 'x') else call('HSET', G, 'x', still) end
rebuild_guide()
rematch(' ' .. group .. ' ')
return 'OK'
