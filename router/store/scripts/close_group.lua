--[[
  close_group -- a supervisor closes a group at once: its lanes have no agents until it opens again.

  KEYS[1] site          prefix of every key

  ARGV[1] clock         '' server time, 'v' last virtual time, or ms
  ARGV[2] group
  ARGV[3] until_ms      opens by itself then, '' never
  ARGV[4] by            who, for the audit
  ARGV[5] message       percent-encoded

  RETURNS {OK} | {NOT_VIRTUAL}
  EVENTS  group.closed
  WHY     its waiting callers take their next step or exit by the deadlines of its lanes.
]]
--- @include "keys"
--- @include "clock"
--- @include "emit"
--- @include "headcount"
--- @include "guide"

local closed = call('HGET', G, 'x') or ' '
local is_closed = string.find(closed, ' ' .. group .. ' ', 1, true)
if is_closed and (call('ZSCORE', T, 'g:' .. group) or '') == until_ms then return 'OK' end

emit('group.closed|group=' .. group .. '|until=' .. until_ms .. '|by=' .. by .. '|message=' .. message)
if until_ms ~= '' then call('ZADD', T, until_ms, 'g:' .. group) else call('ZREM', T, 'g:' .. group) end
if not is_closed then
  call('HSET', G, 'x', closed .. group .. ' ')
  rebuild_guide()
end
for _, field in ipairs(call('HKEYS', G)) do
  if string.match(field, '^L([^+]+)') == group and call('EXISTS', W .. string.sub(field, 2)) == 1 then
    call('ZADD', T, now, 'l:' .. string.sub(field, 2))
  end
end
return 'OK'
