--[[
  clock -- the time, read once: `now` in ms, `at` the same as text, `micro` the three digits below (nil on a virtual site).

  The server's TIME, or on a virtual site the time given, which never goes back.
  NEEDS   clock
  RETURNS {NOT_VIRTUAL}
]]
local now, at, micro, entry = nil, nil, nil, '*'
if clock == '' then
  local t = call('TIME')
  micro = string.sub('00000' .. t[2], -6)
  at = t[1] .. string.sub(micro, 1, 3)
  micro = string.sub(micro, 4)
  now = tonumber(at)
else
  local last = tonumber(call('GET', V) or nil)
  if not last then return 'NOT_VIRTUAL' end
  now = tonumber(clock) or last
  if now < last then now = last end
  at = string.format('%d', now)
  if now > last then call('SET', V, at) end
  entry = at .. '-*'
end
