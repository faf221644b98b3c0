--[[
  choose -- the caller answers the owner-busy question: wait for the owner, or be transferred to the next step.

  KEYS[1] site          prefix of every key

  ARGV[1] clock         '' server time, 'v' last virtual time, or ms
  ARGV[2] call_id
  ARGV[3] choice        wait | transfer; '' not understood: asked once again, then the plan's default
  ARGV[4] owner_wait_ms
  ARGV[5] offer_ms
  ARGV[6] question_ms
  ARGV[7] tombstone_ms
  ARGV[8] retain_ended_ms
  ARGV[9] step          the carrier's request, see includes/step; '' none

  RETURNS {OK, state} | {CHOICE_GONE, state} | {UNKNOWN} | {REPEAT} | {LATE} | {NOT_VIRTUAL}
  EVENTS  none of its own
  WHY     an owner who became ready while the caller thought has taken the call: the answer is then too late.
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

local c = read_call(call_id)
if not c then return 'UNKNOWN' end
--- @include "step"
if c.st ~= 'q' then
  -- The caller's own answer again, whose reply was lost; one who has waited long enough is asked no more.
  local stands = (c.st == 'w' or c.st == 'o') and (choice ~= 'wait' or c.mode == 'wait')
  if stands and call('HGET', C .. call_id, 'ch') == choice then return 'OK ' .. c.st end
  return 'CHOICE_GONE ' .. c.st
end

if choice == '' then
  local asking = 'question' .. c.asked
  if call('HGET', F .. call_id, 'unclear') ~= asking then
    call('HSET', F .. call_id, 'unclear', asking)
    call('PEXPIRE', F .. call_id, 86400000, 'NX')
    c.due = asked_until(c)
    pack_step(c)
    call('HSET', C .. call_id, 'sp', c.sp)
    call('ZADD', T, due_of(c), 'c:' .. call_id)
    return 'OK q'
  end
  answer(c, string.match(c.busy, ':(%a+)') or 'transfer', 'unclear')
else
  answer(c, choice, 'caller')
end
return 'OK ' .. c.st
