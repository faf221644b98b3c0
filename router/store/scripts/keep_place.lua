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
  ARGV[10] number       whom it will dial, digits; '' nobody, or none that is counted
  ARGV[11] a_day        how often one number is dialled in a day
  ARGV[12] step         the carrier's request, see includes/step; '' none

  RETURNS {OK, state} | {SEEN, state} | {WRONG_STATE, state} | {CALLBACK_OPEN} | {CALLBACK_LIMIT} | {UNKNOWN}
    | {REPEAT} | {LATE} | {NOT_VIRTUAL}
  EVENTS  none of its own
  WHY     between the end of one and the start of the other nobody can pass: rank and lanes change hands in one script.
]]
--- @include "keys"
--- @include "clock"
--- @include "emit"
--- @include "call_record"
--- @include "end_call"
--- @include "callback"
--- @include "allowance"

local seen = call('HGET', C .. callback_id, 'st')
if seen then return 'SEEN ' .. seen end
local c = read_call(call_id)
if not c then return 'UNKNOWN' end
--- @include "step"
if not has_place(c) or c.callback then return 'WRONG_STATE ' .. c.st end

local refused = refusal_of(number)
if refused == 'already' then return 'CALLBACK_OPEN' end
if refused then return 'CALLBACK_LIMIT' end

keep(c, callback_id, meta, identity, widen)
take(number, callback_id)
return 'OK w'
