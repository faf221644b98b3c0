--[[
  lease -- agent and call change hands together; the fence is the id of the entry that says so.

  c needs id, ln, sp, mx. `standing`: the call is in its lanes. `profile`: the ready set that holds the agent, or nil.
  `more`: further fields of the event.
  NEEDS   offer_ms
  EVENTS  call.offered
]]
local function lease(c, agent, lane, ready_since, standing, profile, seen, more)
  local fence = emit('call.offered|call=' .. c.id .. '|agent=' .. agent .. '|lane=' .. lane .. '|step=' .. c.sp
    .. '|facts=' .. c.mx .. (seen and seen ~= '' and '|seen=' .. seen or '') .. (more or ''))
  call('HSET', C .. c.id, 'st', 'o', 'ag', agent, 'fe', fence)
  call('HSET', A .. agent, 'st', 'o', 'ca', c.id, 'fe', fence, 'sn', at, 'rs', ready_since)
  call('ZADD', T, string.format('%d', now + offer_ms), 'a:' .. agent)
  if standing then
    for name in string.gmatch(c.ln, '%S+') do call('ZREM', W .. name, c.id) end
  end
  if profile then call('ZREM', I .. profile, agent) end
  c.st, c.ag, c.fe = 'o', agent, fence
  return fence
end
