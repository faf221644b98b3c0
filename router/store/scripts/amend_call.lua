--[[
  amend_call -- adds to a call's cold fields; of a field that is there already the newer value counts.

  KEYS[1] site          prefix of every key

  ARGV[1] call_id
  ARGV[2] facts         JSON members, `"notes":"…"`

  RETURNS {OK} | {UNKNOWN}
  EVENTS  none
  WHY     whoever reads, changes and writes them back overwrites what somebody else added in between.
]]
--- @include "keys"

local meta = call('GET', M .. call_id)
if not meta then return 'UNKNOWN' end
if facts ~= '' and string.sub(meta, -#facts - 1) ~= facts .. '}' then
  call('SET', M .. call_id, (meta == '{}' and '{' or string.sub(meta, 1, -2) .. ',') .. facts .. '}', 'KEEPTTL')
end
return 'OK'
