--[[
  erase_customer -- forget a person: record, numbers, contacts, PIN, and what a CRM said of these numbers.

  KEYS[1] site          prefix of every key

  ARGV[1] customer_id
  ARGV[2] guard         '' whatever is there, else the version that is erased

  RETURNS {ERASED, numbers, contacts} | {UNKNOWN} | {STALE}
  WHY     half a person left behind would still be found, or greeted.
]]
--- @include "directory"
--- @include "counting"
--- @include "pin_locks"

local shelf = shelf_of(customer_id)
local old = call('HGET', shelf, customer_id)
if not old then return {'UNKNOWN'} end
if guard ~= '' and guard ~= redis.sha1hex(old) then return {'STALE'} end

local numbers = {}
for number in each_number(old) do
  unlink(number, customer_id)
  call('DEL', Q .. number)
  numbers[#numbers + 1] = number
end
local contacts = call('GET', UC .. customer_id) or ''
local own = decoded(old).number
if own then call('HDEL', number_shelf_of(own), own) end
call('HDEL', pin_shelf_of(customer_id), customer_id)
call('DEL', UC .. customer_id, UR .. customer_id, VN .. customer_id, PL .. 'c:' .. customer_id)
call('HDEL', shelf, customer_id)
return {'ERASED', table.concat(numbers, ' '), contacts}
