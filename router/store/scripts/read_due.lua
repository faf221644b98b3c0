--[[
  read_due -- what has come due by the site's own clock, and when the next will.

  KEYS[1] site          prefix of every key

  ARGV[1] clock         '' server time, 'v' last virtual time, or ms
  ARGV[2] limit         entries at most

  RETURNS {OK, now, next, member, due, member, due …} | {NOT_VIRTUAL}
  EVENTS  none of its own
  WHY     a process whose clock is off must neither miss a deadline nor run in circles around one.
]]
--- @include "keys"
--- @include "clock"

local reply = {'OK', at, ''}
local row = call('ZRANGE', T, '-inf', now, 'BYSCORE', 'LIMIT', 0, limit, 'WITHSCORES')
for i = 1, #row do reply[i + 3] = row[i] end
if #row == 0 then reply[3] = call('ZRANGE', T, 0, 0, 'WITHSCORES')[2] or '' end
return table.concat(reply, ' ')
