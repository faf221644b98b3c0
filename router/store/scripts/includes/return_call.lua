--[[
  return_call -- an offer or a connection came to nothing: the caller is back at the original rank and looks again.

  The pair is avoided from now on (the last three agents). Write the agent first (rest), so that it is not found again.
  EVENTS  call.returned
]]
local function remember(c, agent)
  local kept = {}
  for id in string.gmatch(c.av, '%S+') do
    if id ~= agent then kept[#kept + 1] = id end
  end
  kept[#kept + 1] = agent
  while #kept > 3 do table.remove(kept, 1) end
  c.av = table.concat(kept, ' ')
end

local function announce_return(c, cause)
  emit('call.returned|call=' .. c.id .. '|agent=' .. c.ag .. '|offer=' .. c.fe .. '|cause=' .. cause .. '|was=' .. c.st
    .. '|step=' .. c.sp .. '|facts=' .. c.mx)
end

local function return_call(c)
  open_lanes(c)
  local agent, was = c.ag, c.st
  remember(c, agent)
  call('HSET', C .. c.id, 'av', c.av)
  if was == 'c' then talked(c, c.max ~= '' and now + c.max - c.accepted or '') end
  if c.max ~= '' and tonumber(c.max) <= now then
    end_call(c, c.callback and 'missed' or 'overflowed_out', 'max_wait', false)
    return
  end
  local rest_of = call('GET', L .. c.id) or ''
  c.seen, c.ag, c.to = {}, '', 'w'
  local owner_said_no = c.busy ~= '' and c.mode ~= 'wait' and c.lanes[#c.lanes] == '@' .. agent
  if rest_of ~= '' and (owner_said_no or (c.due ~= '' and tonumber(c.due) <= now)) then
    enter(c, rest_of)
  else
    if c.due ~= '' and tonumber(c.due) <= now then c.due = '' end
    look_all(c)
  end
  settle(c, false)
end
