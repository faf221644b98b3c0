--[[
  set_plan -- a new version of the plan holds: ladders made with an older one are refused from now on.

  KEYS[1] site          prefix of every key

  ARGV[1] clock         '' server time, 'v' last virtual time, or ms
  ARGV[2] version
  ARGV[3] keep_free     group=r …
  ARGV[4] by            who, for the audit
  ARGV[5] offer_ms

  RETURNS {OK} | {NOT_VIRTUAL}
  EVENTS  plan.published
  WHY     agents that a larger keep_free held back look in the same script; waiting calls get new ladders by p:<version>.
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

if call('HGET', G, 'v') == version then return 'OK' end

emit('plan.published|version=' .. version .. '|by=' .. by)
call('HSET', G, 'v', version, 'k', keep_free)
call('ZADD', T, now, 'p:' .. version)
rebuild_guide()
rematch('')
return 'OK'
