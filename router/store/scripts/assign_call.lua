--[[
  assign_call -- a supervisor gives a waiting call to one agent: offered now if ready, else first in that agent's lane by rank.

  KEYS[1] site          prefix of every key

  ARGV[1] clock         '' server time, 'v' last virtual time, or ms
  ARGV[2] call_id
  ARGV[3] agent_id
  ARGV[4] by            who, for the audit
  ARGV[5] why           a JSON string, see includes/words
  ARGV[6] offer_ms
  ARGV[7] question_ms
  ARGV[8] tombstone_ms
  ARGV[9] retain_ended_ms

  RETURNS {OK, state} | {WRONG_STATE, state} | {AWAY} | {UNKNOWN} | {UNKNOWN_AGENT} | {NOT_VIRTUAL}
  EVENTS  call.assigned
  WHY     the agent may become busy between the click and the script: either way the caller keeps the place.
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
local f = call('HMGET', A .. agent_id, 'st', 'rs', 'pr')
if not f[1] then return 'UNKNOWN_AGENT' end
if c.st == 'o' and c.ag == agent_id then return 'OK o' end
if c.st ~= 'w' and c.st ~= 'q' then return 'WRONG_STATE ' .. c.st end
if f[1] == 'x' or f[1] == 'b' then return 'AWAY' end
local lane = '@' .. agent_id
local standing = string.find(' ' .. c.ln .. ' ', ' ' .. lane .. ' ', 1, true)
if standing and c.st == 'w' and f[1] ~= 'r' then return 'OK w' end

local told = emit('call.assigned|call=' .. call_id .. '|agent=' .. agent_id .. '|by=' .. by .. '|why=' .. mark(why)
  .. '|step=' .. c.sp .. '|facts=' .. c.mx)
put_down(call_id, told, why)
if f[1] == 'r' then
  lease(c, agent_id, lane, f[2], true, f[3])
  return 'OK o'
end
if not standing then
  c.ln = lane .. (c.ln ~= '' and ' ' .. c.ln or '')
  call('HSET', C .. call_id, 'ln', c.ln)
  call('ZADD', W .. lane, c.rank, call_id)
end
if c.st == 'q' then
  open_lanes(c)
  enter(c, call('GET', L .. call_id) or '')
  settle(c, true)
end
return 'OK ' .. c.st
