--[[
  hear_offer -- the agent's telephone was picked up: from now on the whole offer is there to listen, and to press a key.

  KEYS[1] site          prefix of every key

  ARGV[1] clock         '' server time, 'v' last virtual time, or ms
  ARGV[2] call_id
  ARGV[3] offer         fence
  ARGV[4] offer_ms

  RETURNS {OK, state} | {OFFER_GONE} | {NOT_VIRTUAL}
  EVENTS  none
  WHY     the ring has taken its part of the lease, and who listens does not ignore. Asked again and again it holds an
          agent no longer than twice the lease.
]]
--- @include "keys"
--- @include "clock"

local f = call('HMGET', C .. call_id, 'st', 'ag', 'fe')
if f[3] ~= offer or (f[2] or '') == '' then return 'OFFER_GONE' end
if f[1] ~= 'o' then return 'OK ' .. f[1] end

local since = call('HGET', A .. f[2], 'sn')
local until_ms = math.min(now + offer_ms, tonumber(since) + 2 * offer_ms)
call('ZADD', T, 'GT', string.format('%d', until_ms), 'a:' .. f[2])
return 'OK o'
