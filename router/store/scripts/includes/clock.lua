--[[
  clock -- `now` in ms, read once: the server's TIME, or on a virtual site the time given (never going back).
  NEEDS   clock
  RETURNS {NOT_VIRTUAL}
]]
local now, entry = nil, '*'
if clock == '' then
  local t = call('TIME')
  now = t[1] * 1000 + math.floor(t[2] / 1000)
else
  local last = tonumber(call('GET', V) or nil)
  if not last then return {'NOT_VIRTUAL'} end
  now = tonumber(clock) or last
  if now > last then call('SET', V, now) else now = last end
  entry = string.format('%.0f-*', now)
end
