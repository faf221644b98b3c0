--[[
  call_back -- a caller asks, by a key, to be called back at their own number: out of the line, or after we sent them away.

  KEYS[1] site          prefix of every key

  ARGV[1] clock         '' server time, 'v' last virtual time, or ms
  ARGV[2] call_id
  ARGV[3] callback_id   the call that takes its place
  ARGV[4] widen         1: later steps are entered, '' never
  ARGV[5] a_day         how often one number is dialled in a day
  ARGV[6] callback_ms   until it is missed
  ARGV[7] tombstone_ms
  ARGV[8] retain_ended_ms
  ARGV[9] offer_ms

  RETURNS {OK, state} | {WRONG_STATE, state} | {UNKNOWN} | {NOT_VIRTUAL}
  EVENTS  none of its own
  WHY     whoever was sent away gets the place their wait has earned; an agent may be ready for it by now.

  Of the cold fields, JSON that Python has written without blanks, it reads a few by their names: `identity` and `trust` for
  the number, and for a call that never stood in a lane `later` (`step;lanes`) and `head_start_ms` for the place.
  A number has one open callback, and is dialled so often a day. Who asks for more goes on as before; the cold field `uncallable` says why.
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
--- @include "callback"
--- @include "allowance"

local c = read_call(call_id)
if not c then return 'UNKNOWN' end
if call('EXISTS', C .. callback_id) == 1 then return 'OK ' .. c.st end
local meta = call('GET', M .. call_id) or ''
local number = string.match(meta, '"identity":"%+(%d+)"')
local later, lanes = string.match(meta, '"later":"([^";]*);([^"]*)"')
local outcome = c.st == 'e' and call('HGET', C .. call_id, 'oc')
local sent_away = (outcome == 'overflowed_out' and c.ln ~= '') or (outcome == 'rejected' and later ~= nil)
local in_line = has_place(c)
if c.callback or not number or string.find(meta, '"trust":"failed"', 1, true) or not (in_line or sent_away)
  or call('HGET', F .. call_id, 'uncallable') then
  return 'WRONG_STATE ' .. c.st
end

local refused = refusal_of(number)
if refused then
  local said = ',"uncallable":"' .. refused .. '"'
  if not string.find(meta, said, 1, true) then call('SET', M .. call_id, string.sub(meta, 1, -2) .. said .. '}', 'KEEPTTL') end
  return 'OK ' .. c.st
end

local identity = string.find(meta, '"trusted":true', 1, true) and '%2B' .. number or ''
meta = '{"call_id":"' .. call_id .. '","phone":"+' .. number .. '","topic":"",' .. string.sub(meta, 2)
if in_line then
  keep(c, callback_id, meta, identity, widen)
  take(number, callback_id)
  return 'OK e'
end

local k = {id = callback_id, st = 'w', ag = '', fe = '', av = c.av, la = '', lanes = {}, ln = c.ln, step = c.step, k = c.k,
           entered = at, busy = '', due = '', asked = '2', mode = 'wait', accepted = c.accepted,
           max = string.format('%d', now + callback_ms), kind = 'k' .. c.kind, tier = c.tier, talks = c.talks, rank = c.rank,
           quiet = true, meta = meta, rest = '', seen = '', entering = '', duty = false, callback = true, to = 'w'}
if k.ln == '' then
  k.ln, k.step, k.k = lanes, later, #string.gsub(lanes, '%S+', '') + 1
  k.rank = string.format('%d', (c.accepted - (string.match(meta, '"head_start_ms":(%d+)') or 0)) * 1000
    + (micro or call('INCR', SEQ) % 1000))
end
call('HSET', C .. call_id, 'oc', 'callback')
book(k, c, meta, identity)
take(number, callback_id)
look_all(open_lanes(k))
settle(k, false)
return 'OK e'
