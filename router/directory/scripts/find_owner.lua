--[[
  find_owner -- the customer who enters this number on a keypad.

  KEYS[1] site          prefix of every key

  ARGV[1] own           customer number

  RETURNS {FOUND, record} | {NOBODY}
  WHY     which hash holds a number, and a customer, is known to the scripts alone.
]]
--- @include "directory"

local id = call('HGET', number_shelf_of(own), own)
if not id then return {'NOBODY'} end
return {'FOUND', call('HGET', shelf_of(id), id)}
