--[[
  put_customer -- a customer's record and the numbers that lead to it change together.

  KEYS[1] site          prefix of every key

  ARGV[1] customer_id
  ARGV[2] guard         '' whatever is there, '-' nothing may be, else the version that is replaced
  ARGV[3] record        JSON
  ARGV[4] numbers       those of the record, blanks between

  RETURNS {CREATED} | {UPDATED} | {UNCHANGED} | {STALE}
  WHY     a number unlinked late would greet its next owner by the name of the last.
]]
--- @include "directory"

local shelf = shelf_of(customer_id)
local old = call('HGET', shelf, customer_id)
-- The same record again is the same request again: its reply was lost, and the guard with it.
if old == record then return {'UNCHANGED'} end
if guard ~= '' and guard ~= (old and redis.sha1hex(old) or '-') then return {'STALE'} end

local kept = ' ' .. numbers .. ' '
for number in each_number(old) do
  if not string.find(kept, ' ' .. number .. ' ', 1, true) then unlink(number, customer_id) end
end
for number in string.gmatch(numbers, '%S+') do link(number, customer_id) end
call('HSET', shelf, customer_id, record)
if old then return {'UPDATED'} end
return {'CREATED'}
