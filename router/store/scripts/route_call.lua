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
  EVENTS  call.accepted call.recalled
  WHY     finding nobody and standing in line is one step, or an agent becoming ready between the two finds an empty lane.
]]
--- @include "keys"
--- @include "clock"
--- @include "emit"
--- @include "call_record"
--- @include "keep_free"
--- @include "duty"
--- @include "find_agent"
--- @include "lease"
--- @include "find_call"
--- @include "ready"
--- @include "end_call"
--- @include "advance"

local was = call('HMGET', C .. call_id, 'st', 'mx')
if was[1] and was[1] ~= 'g' then return 'SEEN ' .. was[1] end
local version = call('HGET', G, 'v') or ''
if version ~= plan_version then return 'PLAN_MOVED ' .. version end
if not was[1] and call('XLEN', EV) >= tonumber(hard_limit) then return 'FULL' end

local c = {id = call_id, st = 'g', ag = '', fe = '', av = '', la = last_agent, lanes = {}, ln = '', kind = kind, tier = tier,
           accepted = now, max = now + max_wait_ms, talks = '0', quiet = true,
           step = '', k = 0, entered = now, due = '', busy = '', asked = '0', mode = ''}
if was[1] then c.accepted = tonumber(string.match(was[2], '^%d+')) end

-- The identity's newest call, before this one takes its name; one that is rejected takes nothing over.
local old, held, freed = nil, nil, nil
if identity ~= '' and ladder ~= '' then
  local newest = call('SET', R .. identity, call_id, 'PX', callback_ms, 'GET')
  if newest and newest ~= call_id then old = read_call(newest) end
end
if old and old.st == 'e' then
  local ending = call('HMGET', C .. old.id, 'oc', 'en')
  if (ending[1] == 'abandoned' or ending[1] == 'short_abandoned') and now - ending[2] <= tonumber(recall_ms) then
    emit('call.recalled|call=' .. call_id .. '|old=' .. old.id .. '|accepted=' .. old.accepted)
    call('HSET', C .. old.id, 'oc', 'recalled')
    c.accepted = tonumber(old.accepted)
  end
elseif old and old.callback and old.st ~= 'c' then
  c.rank, c.accepted = old.rank, tonumber(old.accepted)
  if old.st == 'b' then
    call('HSET', C .. old.id, 'hr', call_id)
    held = true
  else
    freed = old.st == 'o' and old.ag or nil
    end_call(old, 'superseded', 'called_in', not freed)
  end
elseif old and old.st ~= 'c' then
  call('HSET', C .. old.id, 'hr', call_id)
end
if not c.rank then
  c.rank = string.format('%.0f', (c.accepted - head_start_ms) * 1000 + call('INCR', SEQ) % 1000)
end
pack_facts(c)

c.seen = {}
if ladder == '' then
  c.to = 'e'
elseif held then
  c.to, c.rest = 'w', ladder
else
  enter(c, ladder)
end
emit('call.accepted|call=' .. call_id .. '|state=' .. c.to .. '|entered=' .. (c.entering or '') .. '|lanes='
  .. table.concat(c.lanes, ' ') .. '|facts=' .. c.mx .. '|why=' .. why .. '|seen=' .. table.concat(c.seen, ' '))
call('SET', M .. call_id, meta)
if ladder == '' then
  pack_step(c)
  end_call(c, 'rejected', 'closed', false)
else
  if last_agent ~= '' then call('HSET', C .. call_id, 'la', last_agent) end
  settle(c, false)
end
-- The agent of the callback's offer looks when the call stands in line, so that nobody of better rank is passed over.
if freed then
  local f = call('HMGET', A .. freed, 'pr', 'rs')
  become_ready(freed, f[1], f[2], 'superseded')
  f = call('HMGET', C .. call_id, 'st', 'ag', 'fe')
  c.st, c.ag, c.fe = f[1], f[2] or '', f[3] or ''
end
return 'OK ' .. c.st .. ' ' .. c.ag .. ' ' .. c.fe
