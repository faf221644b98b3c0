--[[
  end_walk -- every waiting call has been shown the new plan.

  KEYS[1] site          prefix of every key

  ARGV[1] version

  RETURNS {OK}
  EVENTS  none of its own
  WHY     the deadline leaves only when the work is done: a process that dies in the middle leaves it to the next.
]]
--- @include "keys"

call('ZREM', T, 'p:' .. version)
return 'OK'
