--[[
  accept_offer -- the agent takes the call that was leased to them.

  A call whose media are elsewhere (kind j) is connected at once; an adapter's (a) is bridged first, a callback (kj, ka) dialled:
  it stays leased (state b) until connect_call or its deadline.

  KEYS[1] site          prefix of every key

  ARGV[1] clock         '' server time, 'v' last virtual time, or ms
  ARGV[2] call_id
  ARGV[3] agent_id      '' whoever holds the lease
  ARGV[4] offer         fence
  ARGV[5] bridge_ms     until the bridge of an adapter's call must be up
  ARGV[6] dial_ms       until a dialled customer must have answered

  RETURNS {OK, state} | {OFFER_GONE} | {NOT_VIRTUAL}
  EVENTS  call.connected call.accepted_offer
  WHY     fence and agent are both compared: a click on yesterday's offer must not take today's caller.
]]
--- @include "keys"
--- @include "clock"
--- @include "emit"
--- @include "count_dial"

local f = call('HMGET', C .. call_id, 'st', 'ag', 'fe', 'sp', 'mx')
if agent_id == '' then agent_id = f[2] or '' end
if f[3] ~= offer or f[2] ~= agent_id or agent_id == '' then return 'OFFER_GONE' end
if f[1] ~= 'o' then return 'OK ' .. f[1] end

if not string.find(f[5], '^%d*;%d*;j;') then
  -- An agent who was told of the caller and has pressed nothing is to be fetched out of listening.
  local told = call('HMGET', F .. call_id, 'whisper@' .. offer, 'accept@' .. offer)
  emit('call.accepted_offer|call=' .. call_id .. '|agent=' .. agent_id .. '|offer=' .. offer .. '|step=' .. f[4] .. '|facts=' .. f[5]
    .. (told[1] and not told[2] and '|listens=1' or ''))
  call('HSET', C .. call_id, 'st', 'b')
  call('HSET', A .. agent_id, 'ms', '0')
  local bridges = string.find(f[5], '^%d*;%d*;a;')
  call('ZADD', T, now + (bridges and bridge_ms or dial_ms), 'a:' .. agent_id)
  if not bridges then count_dial(call_id) end
  return 'OK b'
end
emit('call.connected|call=' .. call_id .. '|agent=' .. agent_id .. '|offer=' .. offer .. '|step=' .. f[4] .. '|facts=' .. f[5])
local facts, talks = string.match(f[5], '^(.*;)(%d+)$')
call('HSET', C .. call_id, 'st', 'c', 'mx', facts .. (talks == '0' and '1' or talks + 1))
call('HSET', A .. agent_id, 'st', 't', 'sn', at, 'ms', '0')
call('ZREM', T, 'a:' .. agent_id, 'c:' .. call_id)
return 'OK c'
