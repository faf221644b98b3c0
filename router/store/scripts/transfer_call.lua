--[[
  transfer_call -- the agent passes the caller on: the agent wraps up, the caller waits at the original rank.

  KEYS[1] site          prefix of every key

  ARGV[1] clock         '' server time, 'v' last virtual time, or ms
  ARGV[2] call_id
  ARGV[3] offer         fence
  ARGV[4] ladder        steps to the target
  ARGV[5] max_wait_ms
  ARGV[6] plan_version  the plan it was made with
  ARGV[7] note          a JSON string, see includes/words
  ARGV[8] wrap_up_ms
  ARGV[9] offer_ms
  ARGV[10] question_ms
  ARGV[11] tombstone_ms
  ARGV[12] retain_ended_ms

  RETURNS {OK, state} | {PLAN_MOVED, version} | {OFFER_GONE} | {UNKNOWN} | {NOT_VIRTUAL}
  EVENTS  call.transferred
  WHY     the agent is out of the ready set before the caller looks, so a transfer never comes back to its sender at once.
]]
--- @include "keys"
--- @include "clock"
--- @include "emit"
--- @include "words"
--- @include "call_record"
--- @include "keep_free"
--- @include "duty"
--- @include "find_agent"
--- @include "lease"
--- @include "end_call"
--- @include "advance"

local c = read_call(call_id)
if not c then return 'UNKNOWN' end
local agent = c.ag
if c.st ~= 'c' or c.fe ~= offer then
  if call('HGET', C .. call_id, 'tf') == offer then return 'OK ' .. c.st end
  return 'OFFER_GONE'
end
local version = call('HGET', G, 'v') or ''
if version ~= plan_version then return 'PLAN_MOVED ' .. version end

local told = emit('call.transferred|call=' .. call_id .. '|agent=' .. agent .. '|offer=' .. offer .. '|step=' .. c.sp
  .. '|facts=' .. c.mx .. '|note=' .. mark(note))
put_down(call_id, told, note)
call('HSET', A .. agent, 'st', 'w', 'ca', '', 'sn', at)
call('ZADD', T, now + wrap_up_ms, 'a:' .. agent)
c.st, c.ag, c.av, c.la, c.lanes = 'w', '', '', '', {}
talked(c, now + max_wait_ms)
call('HSET', C .. call_id, 'tf', offer)
call('HDEL', C .. call_id, 'av', 'la')
enter(c, ladder)
settle(c, false)
return 'OK ' .. c.st
