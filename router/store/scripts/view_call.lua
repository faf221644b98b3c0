--[[
  view_call -- all that a document to a caller or an agent is made of, in one read.

  KEYS[1] site          prefix of every key

  ARGV[1] call_id

  RETURNS {OK, lines} | {UNKNOWN}
  EVENTS  none
  WHY     read apart, a call could be waiting by one answer and talking by the next.

  The lines, after one blank: the step expected next; the page asked for last; which asking was not understood; the wait
  announced last; the place announced last; `lane=calls of lower rank` for each lane it stands in, with a `*` where nobody
  is on duty; `state;since;due` of the
  agent it waits for or is offered to; 1 while caller or agent is being sent for; what a closed group tells those it
  sends out; the record; the steps left; the cold fields; the card of the agent who has the call or is waited for.
]]
--- @include "keys"

local f = call('HMGET', C .. call_id, 'st', 'ag', 'fe', 'rk', 'ln', 'sp', 'mx', 'av', 'oc', 'en')
if not f[1] then return 'UNKNOWN ' end
for i = 1, 10 do f[i] = f[i] or '' end

local ahead, who, sent, message = '', '', '', ''
if f[1] == 'q' or f[1] == 'w' then
  local own, groups = '', false
  for lane in string.gmatch(f[5], '%S+') do
    ahead = ahead .. ' ' .. lane .. '=' .. call('ZCOUNT', W .. lane, '-inf', '(' .. f[4])
    if string.sub(lane, 1, 1) == '@' then
      own = string.sub(lane, 2)
    else
      groups = true
      if string.sub(call('HGET', G, 'L' .. lane) or '0/', 1, 2) == '0/' then ahead = ahead .. '*' end
    end
  end
  if f[1] == 'q' or not groups then who = own end
elseif f[1] == 'o' then
  who = f[2]
elseif f[1] == 'b' or f[1] == 'c' then
  local asked = call('HMGET', O .. call_id, 'do:room:' .. f[3], 'do:join:' .. f[3])
  if asked[1] or asked[2] then
    local came = call('HMGET', F .. call_id, 'connect/' .. f[3], 'fetched@' .. f[3])
    for i = 1, 2 do
      -- Who has come may be sent for once more until we know that it was done.
      local open = asked[i] and string.find(asked[i], '^sending')
      if open or asked[i] == 'done' and not came[i] then sent = '1' end
    end
  end
elseif f[1] == 'e' and f[9] == 'overflowed_out' then
  local closed = call('HGET', G, 'x') or ''
  for lane in string.gmatch(f[5], '%S+') do
    local group = string.match(lane, '^[^+]+')
    if string.find(closed, ' ' .. group .. ' ', 1, true) then message = call('HGET', CLOSED, group) or message end
  end
end
if who ~= '' then
  local a = call('HMGET', A .. who, 'st', 'sn')
  who = a[1] and a[1] .. ';' .. a[2] .. ';' .. (call('ZSCORE', T, 'a:' .. who) or '') or ''
end
local agent = f[2] ~= '' and f[2] or string.match(f[5], '@(%S+)') or ''
local cold = call('MGET', L .. call_id, M .. call_id, D .. agent)
local step = call('HMGET', F .. call_id, 'n', 'at', 'unclear', 'told', 'place')
for i = 1, 5 do step[i] = step[i] or '' end
return 'OK ' .. table.concat({table.concat(step, '\n'), ahead, who, sent, message, table.concat(f, '\n'), cold[1] or '',
                              cold[2] or '{}', cold[3] or '{}'}, '\n')
