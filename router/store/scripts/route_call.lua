--[[
  route_call -- a call enters its ladder: offered, asked, or waiting in line.

  KEYS[1] site          prefix of every key

  ARGV[1] clock         '' server time, 'v' last virtual time, or ms
  ARGV[2] call_id       id
  ARGV[3] kind          j media elsewhere | a adapter
  ARGV[4] tier          for events
  ARGV[5] head_start_ms how much earlier than accepted the call is taken to have come
  ARGV[6] max_wait_ms   until its exit
  ARGV[7] ladder        steps, see advance
  ARGV[8] plan_version  the plan it was made with
  ARGV[9] identity      who is calling, '' unknown
  ARGV[10] last_agent   agent of the last contact within the window, ''
  ARGV[11] meta         what the hot path never reads
  ARGV[12] why          the policy's reasons, for the timeline
  ARGV[13] hard_limit   entries at which new calls are refused
  ARGV[14] offer_ms
  ARGV[15] question_ms
  ARGV[16] recall_ms    a caller cut off keeps the place this long
  ARGV[17] tombstone_ms
  ARGV[18] retain_ended_ms
  ARGV[19] callback_ms

  RETURNS {OK, state, agent, offer} | {SEEN, state} | {PLAN_MOVED, version} | {FULL} | {NOT_VIRTUAL}
  EVENTS  call.accepted
  WHY     finding nobody and standing in line is one step, or an agent becoming ready between the two finds an empty lane.
]]
--- @include "keys"
--- @include "clock"
--- @include "emit"
--- @include "call_record"
--- @include "duty"
--- @include "find_agent"
--- @include "advance"

local was = call('HGET', C .. call_id, 'st')
if was and was ~= 'g' then return 'SEEN ' .. was end
local first = string.match(ladder, '^[^|]*;([^|;]*)') or ''
local guide = call('HMGET', G, 'v', 'L' .. first)
if (guide[1] or '') ~= plan_version then return 'PLAN_MOVED ' .. (guide[1] or '') end
if not was and call('XLEN', EV) >= tonumber(hard_limit) then return 'FULL' end

local c = {id = call_id, st = 'g', ag = '', fe = '', av = '', la = last_agent, lanes = {}, ln = '', kind = kind, tier = tier,
           accepted = at, max = string.format('%d', now + max_wait_ms), talks = '0', quiet = true, meta = meta, rest = '',
           step = '', k = 0, entered = at, due = '', busy = '', asked = '0', mode = '', seen = '', entering = '', duty = false,
           known = first, row = guide[2] or '0/0;', took = '', rank = false, mx = false, sp = false, to = 'w', callback = false}
if was then c.accepted = string.match(call('HGET', C .. call_id, 'mx'), '^%d+') end

-- The identity's newest call, before this one takes its name; one that is rejected takes nothing over.
local held, freed = nil, nil
if identity ~= '' and ladder ~= '' then
  local newest = call('SET', R .. identity, call_id, 'PX', callback_ms, 'GET')
  if newest and newest ~= call_id then
    --- @include "predecessor"
    held, freed = succeed(c, newest)
  end
end
if not c.rank then
  c.rank = string.format('%d', (c.accepted - head_start_ms) * 1000 + (micro or call('INCR', SEQ) % 1000))
end
pack_facts(c)

if ladder == '' then
  c.to = 'e'
elseif held then
  c.rest = ladder
else
  enter(c, ladder)
end
emit('call.accepted|call=' .. call_id .. '|state=' .. c.to .. '|entered=' .. c.entering .. '|lanes='
  .. table.concat(c.lanes, ' ') .. '|facts=' .. c.mx .. '|why=' .. why .. '|took=' .. c.took .. '|seen='
  .. string.sub(c.seen, 2))
-- One that ends at once is remembered like any other.
if c.to == 'e' then call('SET', M .. call_id, meta) end
if ladder == '' then
  pack_step(c)
  --- @include "end_call"
  end_call(c, 'rejected', 'closed', false)
else
  if last_agent ~= '' then call('HSET', C .. call_id, 'la', last_agent) end
  settle(c, false)
end
-- The agent of the callback's offer looks when the call stands in line, so that nobody of better rank is passed over.
if freed then
  --- @include "keep_free"
  --- @include "lease"
  --- @include "find_call"
  --- @include "ready"
  local f = call('HMGET', A .. freed, 'pr', 'rs')
  become_ready(freed, f[1], f[2], 'superseded')
  f = call('HMGET', C .. call_id, 'st', 'ag', 'fe')
  c.st, c.ag, c.fe = f[1], f[2] or '', f[3] or ''
end
return 'OK ' .. c.st .. ' ' .. c.ag .. ' ' .. c.fe
