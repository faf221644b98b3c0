--[[
  put_customer -- a customer's record and the numbers that lead to it change together.

  KEYS[1] site          prefix of every key

  ARGV[1] customer_id
  ARGV[2] guard         '' whatever is there, '-' nothing may be, else the version that is replaced
  ARGV[3] record        JSON
  ARGV[4] numbers       those of the record, blanks between
  ARGV[5] own           the customer number of the record, ''
  ARGV[6] pin           its hash, '' stays as it is, '-' none from now on

  RETURNS {CREATED} | {UPDATED} | {UNCHANGED} | {STALE} | {TAKEN}
  WHY     a number unlinked late would greet its next owner by the name of the last.
]]
--- @include "directory"

local shelf = shelf_of(customer_id)
local old = call('HGET', shelf, customer_id)
local holder = own ~= '' and call('HGET', number_shelf_of(own), own) or customer_id
-- The same record again is the same request again: its reply was lost, and the guard with it.
if old ~= record then
  if guard ~= '' and guard ~= (old and redis.sha1hex(old) or '-') then return {'STALE'} end
  if holder ~= customer_id then return {'TAKEN'} end
elseif pin == '' then
  return {'UNCHANGED'}
end

if pin == '-' then
  call('HDEL', pin_shelf_of(customer_id), customer_id)
elseif pin ~= '' then
  call('HSET', pin_shelf_of(customer_id), customer_id, pin)
end
if old == record then return {'UPDATED'} end

local kept, before = ' ' .. numbers .. ' ', decoded(old).number
for number in each_number(old) do
  if not string.find(kept, ' ' .. number .. ' ', 1, true) then unlink(number, customer_id) end
end
for number in string.gmatch(numbers, '%S+') do link(number, customer_id) end
if before and before ~= own then call('HDEL', number_shelf_of(before), before) end
if own ~= '' then call('HSET', number_shelf_of(own), own, customer_id) end
call('HSET', shelf, customer_id, record)
if old then return {'UPDATED'} end
return {'CREATED'}
