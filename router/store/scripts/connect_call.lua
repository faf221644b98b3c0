--[[
  connect_call -- the bridge is up: caller and agent talk.

  KEYS[1] site          prefix of every key

  ARGV[1] clock         '' server time, 'v' last virtual time, or ms
  ARGV[2] call_id
  ARGV[3] offer         fence
  ARGV[4] offer_ms
  ARGV[5] question_ms
  ARGV[6] tombstone_ms
  ARGV[7] retain_ended_ms

  RETURNS {OK, state} | {OFFER_GONE} | {NOT_VIRTUAL}
  EVENTS  call.connected
  WHY     `answered` counts here and nowhere else; a bridge of a lease that has passed is not one.
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
--- @include "heir"

local c = read_call(call_id)
if not c or c.fe ~= offer or c.ag == '' then return 'OFFER_GONE' end
if c.st ~= 'o' and c.st ~= 'b' then return 'OK ' .. c.st end

emit('call.connected|call=' .. call_id .. '|agent=' .. c.ag .. '|offer=' .. offer .. '|step=' .. c.sp .. '|facts=' .. c.mx
  .. '|told=' .. (call('HGET', F .. call_id, 'told') or ''))
c.talks = c.talks + 1
pack_facts(c)
call('HSET', C .. call_id, 'st', 'c', 'mx', c.mx)
call('HSET', A .. c.ag, 'st', 't', 'sn', at, 'ms', '0')
call('ZREM', T, 'a:' .. c.ag, 'c:' .. call_id)
if c.callback then release_held(held_call(call('HGET', C .. call_id, 'hr'))) end
return 'OK c'
