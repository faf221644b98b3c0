--[[
  read_customer -- one customer by id, with the last contacts.

  KEYS[1] site          prefix of every key

  ARGV[1] customer_id

  RETURNS {FOUND, record, contacts} | {UNKNOWN}
  WHY     which hash holds a customer is known to the scripts alone.
]]
--- @include "directory"

local record = call('HGET', shelf_of(customer_id), customer_id)
if not record then return {'UNKNOWN'} end
return {'FOUND', record, call('GET', UC .. customer_id) or ''}
