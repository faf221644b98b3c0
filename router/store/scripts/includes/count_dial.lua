--[[
  count_dial -- a callback's customer is about to be dialled: one of the day's dials of that number.

  `is_dialled_out`: it has had as many today as held when the callback was promised.
  EVENTS  none of its own
]]
local function number_of(id)
  return string.match(call('GET', M .. id) or '', '^{"call_id":"[^"]*","phone":"%+(%d+)"')
end

local function count_dial(id)
  local number = number_of(id)
  if not number then return end
  local today, had = string.format('%d', math.floor(now / 86400000)), call('HMGET', KN .. number, 'day', 'n')
  call('HSET', KN .. number, 'day', today, 'n', had[1] == today and had[2] + 1 or 1)
  if call('PTTL', KN .. number) < 86400000 then call('PEXPIRE', KN .. number, 86400000) end
end

local function is_dialled_out(id)
  local number = number_of(id)
  if not number then return false end
  local had = call('HMGET', KN .. number, 'day', 'n', 'most')
  return had[3] and had[1] == string.format('%d', math.floor(now / 86400000)) and tonumber(had[2]) >= tonumber(had[3])
end
