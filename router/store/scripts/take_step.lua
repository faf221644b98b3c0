--[[
  take_step -- a carrier asks for a document that changes nothing: is it the one expected?

  KEYS[1] site          prefix of every key

  ARGV[1] call_id
  ARGV[2] step          see includes/step

  RETURNS {OK} | {REPEAT} | {LATE}
  EVENTS  none
  WHY     two requests for one step must not both be answered anew.
]]
--- @include "keys"
--- @include "step"

return 'OK '
