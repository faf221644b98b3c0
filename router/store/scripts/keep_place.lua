--[[
  keep_place -- the caller hangs up and is called back when their turn comes: the call ends, a new one stands in its place.

  KEYS[1] site          prefix of every key

  ARGV[1] clock         '' server time, 'v' last virtual time, or ms
  ARGV[2] call_id       the call that ends
  ARGV[3] callback_id   the call that takes its place
  ARGV[4] identity      who is calling, '' unknown
  ARGV[5] meta          what the hot path never reads
  ARGV[6] widen         1: later steps are entered, '' never
  ARGV[7] callback_ms   until it is missed
  ARGV[8] tombstone_ms
  ARGV[9] retain_ended_ms
  ARGV[10] step         the carrier's request, see includes/step; '' none

  RETURNS {OK, state} | {SEEN, state} | {WRONG_STATE, state} | {UNKNOWN} | {REPEAT} | {LATE} | {NOT_VIRTUAL}
  EVENTS  callback.booked
  WHY     between the end of one and the start of the other nobody can pass: rank and lanes change hands in one script.
]]
--- @include "keys"
--- @include "clock"
--- @include "emit"
--- @include "call_record"
--- @include "end_call"

local seen = call('HGET', C .. callback_id, 'st')
if seen then return 'SEEN ' .. seen end
local c = read_call(call_id)
if not c then return 'UNKNOWN' end
--- @include "step"
if (c.st ~= 'w' and c.st ~= 'q') or c.ln == '' or c.callback then return 'WRONG_STATE ' .. c.st end

local was, rest = c.st, call('GET', L .. call_id) or ''
local k = {id = callback_id, step = c.step, k = c.k, entered = c.entered, busy = c.busy, asked = '2', mode = 'wait',
           accepted = c.accepted, max = now + callback_ms, kind = 'k' .. c.kind, tier = c.tier, talks = c.talks, due = ''}
if widen ~= '' and rest ~= '' then k.due = was == 'w' and c.due or now else rest = '' end
pack_step(k)
pack_facts(k)
local due = due_of(k)
emit('callback.booked|call=' .. callback_id .. '|old=' .. call_id .. '|lanes=' .. c.ln .. '|step=' .. k.sp .. '|facts=' .. k.mx)
end_call(c, 'callback', 'keep_place', true)
call('HSET', C .. callback_id, 'st', 'w', 'ag', '', 'rk', c.rank, 'ln', c.ln, 'sp', k.sp, 'mx', k.mx)
if c.av ~= '' then call('HSET', C .. callback_id, 'av', c.av) end
if rest ~= '' then call('SET', L .. callback_id, rest) end
call('SET', M .. callback_id, meta)
for name in string.gmatch(c.ln, '%S+') do call('ZADD', W .. name, c.rank, callback_id) end
call('ZADD', T, due, 'c:' .. callback_id)
call('ZADD', CALLBACKS, now, callback_id)
if identity ~= '' then call('SET', R .. identity, callback_id, 'PX', callback_ms) end
return 'OK w'
