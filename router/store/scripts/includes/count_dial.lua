--[[
  count_dial -- a callback's customer is about to be dialled: one of the day's dials of that number.
  EVENTS  none of its own
]]
local function count_dial(id)
  local number = string.match(call('GET', M .. id) or '', '^{"call_id":"[^"]*","phone":"%+(%d+)"')
  if not number then return end
  local today, had = string.format('%d', math.floor(now / 86400000)), call('HMGET', KN .. number, 'day', 'n')
  call('HSET', KN .. number, 'day', today, 'n', had[1] == today and had[2] + 1 or 1)
  if call('PTTL', KN .. number) < 86400000 then call('PEXPIRE', KN .. number, 86400000) end
end
