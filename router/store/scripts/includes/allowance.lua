--[[
  allowance -- a number has one open callback, and is dialled so often a day (UTC).

  `number`: its digits, '' it is none that anybody pays for. Booking costs nothing: only a dial is counted.
  NEEDS   a_day callback_ms
  EVENTS  none of its own
]]
local today = string.format('%d', math.floor(now / 86400000))

-- 'already', 'refused', or false: it may be booked.
local function refusal_of(number)
  if number == '' then return false end
  local had = call('HMGET', KN .. number, 'id', 'day', 'n')
  if had[1] and (call('HGET', C .. had[1], 'st') or 'e') ~= 'e' then return 'already' end
  return had[2] == today and tonumber(had[3]) >= tonumber(a_day) and 'refused'
end

local function take(number, id)
  if number == '' then return end
  call('HSET', KN .. number, 'id', id, 'most', a_day)
  call('PEXPIRE', KN .. number, math.max(callback_ms, 86400000))
end
