--[[
  boost_call -- a supervisor sets the head start of a waiting call anew.

  KEYS[1] site          prefix of every key

  ARGV[1] clock         '' server time, 'v' last virtual time, or ms
  ARGV[2] call_id
  ARGV[3] head_start_ms
  ARGV[4] by            who, for the audit
  ARGV[5] why           a JSON string, see includes/words

  RETURNS {OK, state} | {WRONG_STATE, state} | {UNKNOWN} | {NOT_VIRTUAL}
  EVENTS  call.boosted
  WHY     the rank changes in every lane at once, or the caller is early in one line and late in another.
]]
--- @include "keys"
--- @include "clock"
--- @include "emit"
--- @include "words"
--- @include "call_record"

local c = read_call(call_id)
if not c then return 'UNKNOWN' end
if c.st ~= 'w' and c.st ~= 'q' then return 'WRONG_STATE ' .. c.st end

local rank = string.format('%.0f', (c.accepted - head_start_ms) * 1000 + c.rank % 1000)
if rank ~= c.rank then
  local told = emit('call.boosted|call=' .. call_id .. '|head_start=' .. head_start_ms .. '|by=' .. by .. '|why=' .. mark(why)
    .. '|step=' .. c.sp .. '|facts=' .. c.mx)
  put_down(call_id, told, why)
  call('HSET', C .. call_id, 'rk', rank)
  for name in string.gmatch(c.ln, '%S+') do call('ZADD', W .. name, rank, call_id) end
end
return 'OK ' .. c.st
