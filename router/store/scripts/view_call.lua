--[[
  view_call -- all that a document to a caller or an agent is made of, in one read.

  KEYS[1] site          prefix of every key

  ARGV[1] call_id

  RETURNS {OK, lines} | {UNKNOWN}
  EVENTS  none
  WHY     read apart, a call could be waiting by one answer and talking by the next.

  The lines, after one blank: the step expected next, the page asked for last, which asking was not
  understood, how many stand before the call in the line
  of its step (nothing: it stands in none), the record, the steps left, the cold fields, and the card of the agent who
  has the call or is waited for.
]]
--- @include "keys"

local f = call('HMGET', C .. call_id, 'st', 'ag', 'fe', 'rk', 'ln', 'sp', 'mx', 'av', 'oc', 'en')
if not f[1] then return 'UNKNOWN ' end
for i = 1, 10 do f[i] = f[i] or '' end

local lane, ahead = '', ''
if f[1] == 'q' or f[1] == 'w' then
  local count = tonumber(string.match(f[6], '^[^;]*;(%d+)') or '0')
  local lanes = {}
  for name in string.gmatch(f[5], '%S+') do lanes[#lanes + 1] = name end
  lane = lanes[#lanes - count + 1] or ''
  if lane ~= '' then ahead = call('ZCOUNT', W .. lane, '-inf', '(' .. f[4]) end
end
local agent = f[2] ~= '' and f[2] or string.match(f[5], '@(%S+)') or ''
local cold = call('MGET', L .. call_id, M .. call_id, D .. agent)
local step = call('HMGET', F .. call_id, 'n', 'at', 'unclear')
return 'OK ' .. table.concat({step[1] or '', step[2] or '', step[3] or '', ahead, table.concat(f, '\n'), cold[1] or '', cold[2] or '{}',
                              cold[3] or '{}'}, '\n')
