--[[
  register_lane -- a lane exists from its first call.

  KEYS[1] site          prefix of every key

  ARGV[1] lane          group+skill+skill

  RETURNS {OK}
  EVENTS  none of its own
  WHY     lane and profiles find each other in one script, so neither list can miss the other's newcomer.
]]
--- @include "keys"
--- @include "headcount"
--- @include "guide"

if call('HEXISTS', G, 'L' .. lane) == 1 then return 'OK' end
call('HSET', G, 'L' .. lane, '0/0;')
rebuild_guide()
return 'OK'
