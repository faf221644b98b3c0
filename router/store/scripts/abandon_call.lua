--[[
  abandon_call -- the caller is gone, or is taken out of line, in whatever state the call is.

  KEYS[1] site          prefix of every key

  ARGV[1] clock         '' server time, 'v' last virtual time, or ms
  ARGV[2] call_id
  ARGV[3] cause         hangup | failed | withdrawn | cancelled; a supervisor's with |by=… for the audit
  ARGV[4] short_abandon_ms
  ARGV[5] wrap_up_ms
  ARGV[6] offer_ms
  ARGV[7] question_ms
  ARGV[8] tombstone_ms
  ARGV[9] retain_ended_ms
  ARGV[10] why          a supervisor's: a JSON string, see includes/words

  RETURNS {OK, state} | {UNKNOWN} | {WRONG_STATE, state} | {NOT_VIRTUAL}
  EVENTS  none of its own
  WHY     an agent who was being rung is free in the same script, with the old ready-since: no agent rings for nobody.
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
--- @include "find_call"
--- @include "ready"
--- @include "end_call"
--- @include "advance"
--- @include "heir"

local c = read_call(call_id)
if not c then return 'UNKNOWN' end
local told = why ~= '' and cause .. '|why=' .. mark(why) or cause
cause = string.match(told, '^[^|]*')
if c.st == 'e' then
  if (cause == 'withdrawn' or cause == 'cancelled') and call('HGET', C .. call_id, 'oc') ~= cause then
    return 'WRONG_STATE e'
  end
  return 'OK e'
end
if cause == 'withdrawn' and c.st ~= 'w' and c.st ~= 'q' then return 'WRONG_STATE ' .. c.st end
if cause == 'cancelled' and (not c.callback or c.st == 'c') then return 'WRONG_STATE ' .. c.st end

if c.st == 'c' then
  local agent = c.ag
  end_call(c, 'answered', cause, false)
  call('HSET', A .. agent, 'st', 'w', 'ca', '', 'sn', at)
  call('ZADD', T, now + wrap_up_ms, 'a:' .. agent)
  return 'OK e'
end

local hr = call('HMGET', C .. call_id, 'hr', 'hc')
local heir, came = hr[1], hr[2]
local agent = (c.st == 'o' or c.st == 'b') and c.ag or nil
local outcome = cause
if c.callback then
  if cause == 'hangup' then outcome = 'failed' end
elseif cause == 'hangup' then
  outcome = now - c.accepted < tonumber(short_abandon_ms) and 'short_abandoned' or 'abandoned'
  if c.st ~= 'g' and pass_place(c, heir, came) then outcome = 'recalled' end
end
-- Whoever reads of a caller who left knows what they had been told, and what they had chosen.
if cause == 'hangup' and not c.callback then
  told = told .. '|chose=' .. (call('HGET', C .. call_id, 'ch') or '') .. '|told=' .. (call('HGET', F .. call_id, 'told') or '')
end
local held = c.callback and held_call(heir)
if held then outcome = 'superseded' end
put_down(call_id, end_call(c, outcome, told, not agent), why)
-- Before the agent looks: the held call's place may be the best.
release_held(held)
if agent then
  local f = call('HMGET', A .. agent, 'pr', 'rs')
  become_ready(agent, f[1], f[2], 'caller_gone')
end
return 'OK e'
