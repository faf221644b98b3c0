--[[
  settle_pin -- the PIN was right: the customer's tries are forgotten, the caller's was none.

  KEYS[1] site          prefix of every key

  ARGV[1] customer_id
  ARGV[2] source        as in try_pin
  ARGV[3] tries
  ARGV[4] number        the telephone number, '' without one
  ARGV[5] window_ms     how long lately is
  ARGV[6] numbers       counted no further; 0 not at all
  ARGV[7] strangers     as in try_pin
  ARGV[8] lock_ms

  RETURNS {OK, numbers}
  WHY     whoever knows one PIN must not buy tries at others with it: only the customer's own count is wiped.
]]
--- @include "directory"
--- @include "counting"
--- @include "pin_locks"

local at = server_ms()
call('DEL', PL .. 'c:' .. customer_id)
give_back('f:' .. source, at, tonumber(tries))
if strangers ~= '' then forgive_crowd(at, tonumber(lock_ms)) end
if number == '' then return {'OK', 0} end
return {'OK', count_number(customer_id, number, at, tonumber(window_ms), tonumber(numbers), false)}
