--[[
  find_customers -- everybody a number leads to, with their last contacts, or else what a CRM said last.

  KEYS[1] site          prefix of every key

  ARGV[1] number        E.164, short code, sip: or client: address
  ARGV[2] limit         so many at most: a switchboard may lead to thousands

  RETURNS {FOUND, how_many, record, contacts, …} | {NOBODY, answer}
  WHY     a caller waits for this: one round trip, whatever it finds.
]]
--- @include "directory"

local ids = call('HGET', index_of(number), number)
if not ids then return {'NOBODY', call('GET', Q .. number) or ''} end

local found, many = {}, 0
for id in string.gmatch(ids, '%S+') do
  many = many + 1
  if many <= tonumber(limit) then
    found[#found + 1] = call('HGET', shelf_of(id), id)
    found[#found + 1] = call('GET', UC .. id) or ''
  end
end
return {'FOUND', many, unpack(found)}
