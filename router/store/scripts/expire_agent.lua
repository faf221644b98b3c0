--[[
  expire_agent -- a deadline of an agent is due: an offer nobody took, a bridge or dial that did not come, wrap-up, rest.

  KEYS[1] site          prefix of every key

  ARGV[1] clock         '' server time, 'v' last virtual time, or ms
  ARGV[2] agent_id
  ARGV[3] offer_ms
  ARGV[4] question_ms
  ARGV[5] cooling_ms
  ARGV[6] cooling_max_ms
  ARGV[7] tombstone_ms
  ARGV[8] retain_ended_ms

  RETURNS {OK, state} | {NOT_DUE} | {NOT_VIRTUAL}
  EVENTS  none of its own
  WHY     nobody stays reserved for a process that died: the lease ends here whoever held it.
]]
--- @include "keys"
--- @include "clock"
--- @include "emit"
--- @include "call_record"
--- @include "keep_free"
--- @include "duty"
--- @include "headcount"
--- @include "find_agent"
--- @include "lease"
--- @include "find_call"
--- @include "ready"
--- @include "end_call"
--- @include "advance"
--- @include "rest"
--- @include "heir"
--- @include "return_call"
--- @include "dial_over"
--- @include "go_on"

local due = call('ZSCORE', T, 'a:' .. agent_id)
if not due or tonumber(due) > now then return 'NOT_DUE' end
local f = call('HMGET', A .. agent_id, 'st', 'ca', 'pr', 'rs')
if f[1] == 'o' then
  local c = read_call(f[2])
  if not c or c.ag ~= agent_id then
    become_ready(agent_id, f[3], f[4], 'repaired')
  elseif c.st == 'b' and c.callback then
    dial_over(c, 'no_answer')
  else
    local cause = c.st == 'b' and 'bridge' or 'expired'
    announce_return(c, cause)
    rest(agent_id, cause, '', '')
    return_call(c)
  end
elseif f[1] == 'w' or f[1] == 'c' then
  go_on(agent_id, f[3], f[1] == 'w' and 'wrapped' or 'rested')
else
  call('ZREM', T, 'a:' .. agent_id)
end
return 'OK ' .. (call('HGET', A .. agent_id, 'st') or '')
