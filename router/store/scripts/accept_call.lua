--[[
  accept_call -- a call is here and its time is fixed; whose it is and where it goes is found out later.

  KEYS[1] site          prefix of every key

  ARGV[1] clock         '' server time, 'v' last virtual time, or ms
  ARGV[2] call_id       id
  ARGV[3] kind          a adapter
  ARGV[4] tier          tier until the caller is recognised
  ARGV[5] max_wait_ms   how long the greeting may last
  ARGV[6] meta          what the hot path never reads
  ARGV[7] hard_limit    entries at which new calls are refused

  RETURNS {OK, state} | {SEEN, state} | {FULL} | {NOT_VIRTUAL}
  EVENTS  call.greeting
  WHY     the promise clock starts when the caller does, not when we have finished asking.
]]
--- @include "keys"
--- @include "clock"
--- @include "emit"

local state = call('HGET', C .. call_id, 'st')
if state then return 'SEEN ' .. state end
if call('XLEN', EV) >= tonumber(hard_limit) then return 'FULL' end

local facts = now .. ';' .. (now + max_wait_ms) .. ';' .. kind .. ';' .. tier .. ';0'
emit('call.greeting|call=' .. call_id .. '|facts=' .. facts)
call('HSET', C .. call_id, 'st', 'g', 'mx', facts)
call('SET', M .. call_id, meta)
call('ZADD', T, now + max_wait_ms, 'c:' .. call_id)
return 'OK g'
