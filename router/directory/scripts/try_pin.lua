--[[
  try_pin -- somebody says who they are and is about to prove it: may it be tried, and against what.

  KEYS[1] site          prefix of every key

  ARGV[1] own           the customer number entered, '' when the customer is known by the telephone number
  ARGV[2] customer_id   then: who
  ARGV[3] source        what locks the caller: the telephone number, or the call without one
  ARGV[4] tries
  ARGV[5] lock_ms
  ARGV[6] lock_max_ms
  ARGV[7] strangers     tries of all callers together whose number nobody vouches for, within lock_ms; '' vouched for

  RETURNS {LOCKED} | {TRY, customer_id, pin, record, contacts}
  WHY     counted before anybody is told, or tries at once are tries for free. A number nobody has is counted, locked
          and answered like any other: nothing tells them apart.
]]
--- @include "directory"
--- @include "pin_locks"

local at = server_ms()
local id = own == '' and customer_id or call('HGET', number_shelf_of(own), own)
local whom = id and 'c:' .. id or 'n:' .. own
if is_locked(whom, at) or is_locked('f:' .. source, at) then return {'LOCKED'} end
if strangers ~= '' and count_crowd(at, tonumber(lock_ms)) > tonumber(strangers) then return {'LOCKED'} end
count_try(whom, at, tonumber(tries), tonumber(lock_ms), tonumber(lock_max_ms))
count_try('f:' .. source, at, tonumber(tries), tonumber(lock_ms), tonumber(lock_max_ms))
local record = id and call('HGET', shelf_of(id), id)
if not record then return {'TRY', '', '', '', ''} end
return {'TRY', id, call('HGET', pin_shelf_of(id), id) or '', record, call('GET', UC .. id) or ''}
