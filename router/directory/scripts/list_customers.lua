--[[
  list_customers -- the next customers after a place, hash by hash and by id within one.

  KEYS[1] site          prefix of every key

  ARGV[1] shelf         number of the hash to go on with, 0 first
  ARGV[2] after         the last id seen of it, or ''
  ARGV[3] limit         so many at most

  RETURNS {MORE, shelf, after, record, …} | {END, record, …}
  WHY     every customer there from first page to last is seen once, whatever else comes and goes.
]]
--- @include "directory"

local found, at, room = {}, tonumber(shelf), tonumber(limit)
local last = at + 255 -- an empty directory is read in steps too: no script holds the server for long
while at < SHELVES do
  if at > last then return {'MORE', at, '', unpack(found)} end
  local key = shelf_at(at)
  local ids = call('HKEYS', key)
  table.sort(ids)
  for _, id in ipairs(ids) do
    if id > after then
      if #found == room then return {'MORE', at, after, unpack(found)} end
      found[#found + 1], after = call('HGET', key, id), id
    end
  end
  at, after = at + 1, ''
end
return {'END', unpack(found)}
