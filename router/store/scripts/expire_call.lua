--[[
  expire_call -- a deadline of the call itself is due: its question, its step, or its whole wait.

  KEYS[1] site          prefix of every key

  ARGV[1] clock         '' server time, 'v' last virtual time, or ms
  ARGV[2] call_id
  ARGV[3] owner_wait_ms
  ARGV[4] offer_ms
  ARGV[5] question_ms
  ARGV[6] tombstone_ms
  ARGV[7] retain_ended_ms

  RETURNS {OK, state} | {NOT_DUE} | {NOT_VIRTUAL}
  EVENTS  call.owner_busy
  WHY     the entry leaves the deadlines only here; while the call is offered the record alone remembers that it was due.
]]
--- @include "keys"
--- @include "clock"
--- @include "emit"
--- @include "call_record"
--- @include "keep_free"
--- @include "duty"
--- @include "find_agent"
--- @include "lease"
--- @include "end_call"
--- @include "advance"
--- @include "answer"

local due = call('ZSCORE', T, 'c:' .. call_id)
if not due or tonumber(due) > now then return 'NOT_DUE' end
local c = read_call(call_id)
if not c or (c.st ~= 'g' and c.st ~= 'q' and c.st ~= 'w') then
  call('ZREM', T, 'c:' .. call_id)
  return 'OK ' .. (c and c.st or 'e')
end

if c.max ~= '' and tonumber(c.max) <= now then
  end_call(c, c.callback and 'missed' or c.st == 'g' and 'failed' or 'overflowed_out', 'max_wait', c.st ~= 'g')
elseif c.st == 'q' then
  answer(c, string.match(c.busy, ':(%a+)') or 'transfer', 'timeout')
elseif c.mode == 'wait' and c.asked == '1' and not c.callback then
  c.asked, c.mode, c.due, c.st = '2', '', asked_until(c), 'q'
  pack_step(c)
  local owner = string.match(c.ln, '.*@(%S+)')
  local f = owner and call('HMGET', A .. owner, 'st', 'sn')
  emit('call.owner_busy|call=' .. c.id .. '|step=' .. c.sp .. '|asked=2|facts=' .. c.mx
    .. '|seen=' .. (f and '@' .. owner .. '=' .. (f[1] or '-') .. ',' .. (f[2] or '') or ''))
  call('HSET', C .. c.id, 'st', 'q', 'sp', c.sp, 'ch', '')
  call('ZADD', T, due_of(c), 'c:' .. c.id)
else
  open_lanes(c)
  enter(c, call('GET', L .. c.id) or '')
  settle(c, true)
end
return 'OK ' .. c.st
