--[[
  end_wrap_up -- the agent has written it all down before the time was up.

  KEYS[1] site          prefix of every key

  ARGV[1] clock         '' server time, 'v' last virtual time, or ms
  ARGV[2] agent_id
  ARGV[3] offer_ms

  RETURNS {OK, state} | {UNKNOWN} | {NOT_VIRTUAL}
  EVENTS  none of its own
  WHY     unlike agent_ready it keeps a break that was asked for while talking.
]]
--- @include "keys"
--- @include "clock"
--- @include "emit"
--- @include "keep_free"
--- @include "duty"
--- @include "headcount"
--- @include "lease"
--- @include "find_call"
--- @include "ready"
--- @include "go_on"

local f = call('HMGET', A .. agent_id, 'st', 'pr')
if not f[1] then return 'UNKNOWN' end
if f[1] ~= 'w' then return 'OK ' .. f[1] end
return 'OK ' .. (go_on(agent_id, f[2], 'wrapped'))
