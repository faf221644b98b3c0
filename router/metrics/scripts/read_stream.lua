--[[
  read_stream -- how far every reader of the site's stream is, and how late the oldest deadline.

  KEYS[1] site          prefix of every key

  RETURNS {OK, now, entries, overdue, reader, owed, reader, owed …}
  EVENTS  none
  WHY     asked one by one, an entry could be read in between and look as if it had been owed for long.
]]
local call = redis.call
local now = tonumber(call('GET', site .. ':v') or nil)
if not now then
  local time = call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end
local first = call('ZRANGE', site .. ':t', 0, 0, 'WITHSCORES')
local ev = site .. ':ev'
local reply = {'OK', now, call('XLEN', ev), first[2] and math.max(0, now - first[2]) or 0}
local groups = redis.pcall('XINFO', 'GROUPS', ev)
for i = 1, #groups do
  local name, read = nil, nil
  for j = 1, #groups[i], 2 do
    if groups[i][j] == 'name' then name = groups[i][j + 1] end
    if groups[i][j] == 'last-delivered-id' then read = groups[i][j + 1] end
  end
  local owed = call('XPENDING', ev, name)[2]
  if not owed then
    local following = call('XRANGE', ev, '(' .. read, '+', 'COUNT', 1)[1]
    owed = following and following[1]
  end
  reply[#reply + 1] = name
  reply[#reply + 1] = owed and math.max(0, now - tonumber(string.match(owed, '^%d+'))) or 0
end
return reply
