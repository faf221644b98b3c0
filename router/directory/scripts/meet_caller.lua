--[[
  meet_caller -- a call comes from a number: everybody the number leads to, and how much it has called lately.

  KEYS[1] site          prefix of every key

  ARGV[1] number        E.164, short code, sip: or client: address
  ARGV[2] limit         so many customers at most: a switchboard may lead to thousands
  ARGV[3] call_id
  ARGV[4] window_ms     how long lately is
  ARGV[5] calls         of the number, counted no further than one more
  ARGV[6] at_once       calls of the number that have not ended, counted no further
  ARGV[7] numbers       that a customer called from, counted no further; 0 not at all
  ARGV[8] wanted        marks that are asked for

  RETURNS {FOUND, recent, others, how_many, record, contacts, marks, numbers, …} | {NOBODY, recent, others, answer}
  WHY     a caller waits for this: one round trip, whatever it finds, and counting must not cost another.

  marks: `r` a talk from this number was completed before, `p` the customer has a PIN.
]]
--- @include "directory"
--- @include "counting"

local at = server_ms()
local recent, others = count_call(number, call_id, at, tonumber(window_ms), tonumber(calls), tonumber(at_once))
local ids = call('HGET', index_of(number), number)
if not ids then return {'NOBODY', recent, others, call('GET', Q .. number) or ''} end

local found, many = {}, 0
for id in string.gmatch(ids, '%S+') do
  many = many + 1
  if many <= tonumber(limit) then
    local record = call('HGET', shelf_of(id), id)
    local only = record and not string.find(record, '"phones":%["[^"]*",')
    found[#found + 1] = record
    found[#found + 1] = call('GET', UC .. id) or ''
    found[#found + 1] = marks_of(id, number, wanted)
    found[#found + 1] = count_number(id, number, at, tonumber(window_ms), tonumber(numbers), only)
  end
end
return {'FOUND', recent, others, many, unpack(found)}
