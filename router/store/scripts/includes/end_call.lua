--[[
  end_call -- nothing stays of a call but a tombstone for late repeats.

  `standing`: the call is in its lanes. The record stays as it was, but for the state: who talked (ag, fe),
  when it was accepted (mx) and how it ended. Answers the id of the entry.
  NEEDS   tombstone_ms retain_ended_ms
  EVENTS  call.ended
]]
local function end_call(c, outcome, cause, standing)
  local told = emit('call.ended|call=' .. c.id .. '|outcome=' .. outcome .. '|cause=' .. cause .. '|was=' .. c.st .. '|agent=' .. c.ag
    .. '|offer=' .. c.fe .. '|step=' .. c.sp .. '|facts=' .. c.mx)
  if standing then
    for name in string.gmatch(c.ln, '%S+') do call('ZREM', W .. name, c.id) end
  end
  local id = C .. c.id
  if c.st == 'c' then
    call('HSET', id, 'st', 'e', 'oc', outcome, 'en', at)
  else
    call('HSET', id, 'st', 'e', 'oc', outcome, 'en', at, 'ag', '', 'fe', c.fe, 'mx', c.mx)
    call('ZREM', T, 'c:' .. c.id)
  end
  call('PEXPIRE', id, c.callback and string.format('%d', 30 * tombstone_ms) or tombstone_ms)
  call('PEXPIRE', M .. c.id, c.callback and string.format('%d', 30 * tombstone_ms) or retain_ended_ms)
  call('DEL', L .. c.id)
  c.st = 'e'
  return told
end
