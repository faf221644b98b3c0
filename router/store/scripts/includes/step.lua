--[[
  step -- a carrier's request is answered once: it is the one expected, or a repeat, or it comes from nowhere.

  step: '' no carrier asks; `page:7` the seventh document of the call; `page/x` once, whenever that is; `page@x` so, but
  on another leg than the caller's.
  NEEDS   call_id step
  RETURNS {REPEAT} | {LATE}
]]
if step ~= '' then
  local f = call('HMGET', F .. call_id, 'n', step)
  if f[2] then return 'REPEAT' end
  local number = tonumber(string.match(step, ':(%d+)$') or nil)
  if number and f[1] and number ~= tonumber(f[1]) then return 'LATE' end
  local page = string.match(step, '^%a+')
  if number then
    call('HSET', F .. call_id, step, '', 'at', page, 'n', string.format('%d', number + 1))
  elseif string.find(step, '@', 1, true) then
    call('HSET', F .. call_id, step, '')
  else
    call('HSET', F .. call_id, step, '', 'at', page)
  end
  call('PEXPIRE', F .. call_id, 86400000, 'NX')
end
