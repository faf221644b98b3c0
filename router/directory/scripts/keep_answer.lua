--[[
  keep_answer -- what a CRM said of a number, for the day it does not answer in time.

  KEYS[1] site          prefix of every key

  ARGV[1] number
  ARGV[2] answer        JSON
  ARGV[3] keep_ms       how long it may stand in

  RETURNS {OK}
  WHY     the key is spelled here alone; that it goes by itself only frees memory.
]]
--- @include "directory"

call('SET', Q .. number, answer, 'PX', keep_ms)
return {'OK'}
