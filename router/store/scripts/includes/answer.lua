--[[
  answer -- what follows from an answer to the owner-busy question, the caller's own or the plan's default.

  `by`: caller | timeout | unclear. The event tells what had been announced: `told=at ms;p50 ms;p90 ms`.
  NEEDS   owner_wait_ms
  EVENTS  call.choice
]]
local function answer(c, choice, by)
  emit('call.choice|call=' .. c.id .. '|choice=' .. choice .. '|by=' .. by .. '|asked=' .. c.asked .. '|step=' .. c.sp
    .. '|facts=' .. c.mx .. '|told=' .. (call('HGET', F .. c.id, 'told') or ''))
  call('HSET', C .. c.id, 'ch', by == 'caller' and choice or '')
  if choice == 'wait' then
    c.st, c.mode, c.due = 'w', 'wait', string.format('%d', now + owner_wait_ms)
    pack_step(c)
    call('HSET', C .. c.id, 'st', 'w', 'sp', c.sp)
    call('ZADD', T, due_of(c), 'c:' .. c.id)
    return
  end
  open_lanes(c)
  enter(c, call('GET', L .. c.id) or '')
  settle(c, true)
end
