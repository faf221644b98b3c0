--[[
  directory -- where customers stand and how numbers lead to them.

  Customers and numbers are spread over hashes by the hash of their name: an entry of a hash costs the server less
  than a key of its own, and hashes can be listed in order. A number's entry holds the ids it leads to, blanks between;
  a customer number's (what is entered on a keypad) the one id it belongs to.
]]
local call = redis.call
local U, P, UC, Q = site .. ':u:', site .. ':p:', site .. ':uc:', site .. ':q:'
local UN, UP, UR = site .. ':un:', site .. ':up:', site .. ':ur:'
local SHELVES = 4096

local function shelf_at(place) return U .. string.format('%03x', place) end
local function shelf_of(id) return U .. string.sub(redis.sha1hex(id), 1, 3) end
-- Four digits: short enough that the server keeps an index of a million numbers in its packed form.
local function index_of(number) return P .. string.sub(redis.sha1hex(number), 1, 4) end
local function number_shelf_of(number) return UN .. string.sub(redis.sha1hex(number), 1, 4) end
local function pin_shelf_of(id) return UP .. string.sub(redis.sha1hex(id), 1, 4) end

local function decoded(record) return record and cjson.decode(record) or {} end

local function each_number(record)
  local phones, i = decoded(record).phones or {}, 0
  return function() i = i + 1 return phones[i] end
end

local function link(number, id)
  local index = index_of(number)
  if call('HSETNX', index, number, id) == 1 then return end
  local ids = call('HGET', index, number)
  if not string.find(' ' .. ids .. ' ', ' ' .. id .. ' ', 1, true) then
    call('HSET', index, number, ids .. ' ' .. id)
  end
end

local function unlink(number, id)
  local index, others = index_of(number), {}
  for other in string.gmatch(call('HGET', index, number) or '', '%S+') do
    if other ~= id then others[#others + 1] = other end
  end
  if #others == 0 then call('HDEL', index, number) else call('HSET', index, number, table.concat(others, ' ')) end
  call('SREM', UR .. id, number)
end

local function marks_of(id, number, wanted)
  local marks = ''
  if string.find(wanted, 'r') and call('SISMEMBER', UR .. id, number) == 1 then marks = 'r' end
  if string.find(wanted, 'p') and call('HEXISTS', pin_shelf_of(id), id) == 1 then marks = marks .. 'p' end
  return marks
end

local function server_ms()
  local time = call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end
