--[[
  return_call -- an offer or a connection came to nothing: the caller is back at the original rank and looks again.

  The pair is avoided from now on (the last three agents). Write the agent first (rest), so that it is not found again.
  A callback whose customer has called in meanwhile leaves the place to that call; one that was dialled as often as its
  number may be in a day is missed.
  EVENTS  call.returned
]]
--- @include "count_dial"
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
  return emit('call.returned|call=' .. c.id .. '|agent=' .. c.ag .. '|offer=' .. c.fe .. '|cause=' .. cause .. '|was=' .. c.st
    .. '|step=' .. c.sp .. '|facts=' .. c.mx)
end

local function return_call(c)
  open_lanes(c)
  local agent, was = c.ag, c.st
  remember(c, agent)
  c.st, c.ag = 'w', ''
  call('HSET', C .. c.id, 'av', c.av)
  if was == 'c' then talked(c, c.max ~= '' and now + c.max - c.accepted or '') end
  local held = c.callback and held_call(call('HGET', C .. c.id, 'hr'))
  if held then
    end_call(c, 'superseded', 'called_in', false)
    release_held(held)
    return
  end
  if c.callback and was == 'b' and is_dialled_out(c.id) then
    end_call(c, 'missed', 'dialled_out', false)
    return
  end
  if c.max ~= '' and tonumber(c.max) <= now then
    end_call(c, c.callback and 'missed' or 'overflowed_out', 'max_wait', false)
    return
  end
  local rest_of = call('GET', L .. c.id) or ''
  c.to = 'w'
  local owner_said_no = c.busy ~= '' and c.mode ~= 'wait' and c.lanes[#c.lanes] == '@' .. agent
  local step_over = c.due ~= '' and tonumber(c.due) <= now
  -- While this call was rung, the walk of a lane that lost its last agent passed over it, or a new plan gave it steps
  -- behind the one that was its last.
  if rest_of ~= '' and (owner_said_no or step_over or c.due == '' or deserted(c)) then
    enter(c, rest_of)
  else
    if step_over then c.due = '' end
    if not look_all(c) and rest_of == '' then c.to = last_stop(c) end
  end
  settle(c, false)
end
