--[[
  advance -- steps are entered, never left: the call joins lanes until it is matched, asked, or parked.

  A ladder's text: `step;when busy;wait ms;max waiting;lane lane` joined by `|`. `c.lanes` holds the entered lanes.
  enter() decides and writes nothing; settle() writes what it decided: c.to is o offered, q choosing, w waiting, e exit.
  NEEDS   offer_ms question_ms
  EVENTS  call.owner_busy call.widened
]]
local function open_lanes(c)
  c.lanes = {}
  for name in string.gmatch(c.ln, '%S+') do c.lanes[#c.lanes + 1] = name end
  return c
end

local function join(c, lanes)
  local fresh, count = {}, 0
  for name in string.gmatch(lanes, '%S+') do
    count = count + 1
    for i = #c.lanes, 1, -1 do
      if c.lanes[i] == name then table.remove(c.lanes, i) end
    end
    c.lanes[#c.lanes + 1] = name
    fresh[#fresh + 1] = name
  end
  c.k = count
  return fresh
end

local function all_closed(lanes)
  local closed = call('HGET', G, 'x')
  if not closed or closed == '' or #lanes == 0 then return false end
  for _, lane in ipairs(lanes) do
    local group = string.match(lane, '^[^+]+')
    if string.sub(lane, 1, 1) == '@' or not string.find(closed, ' ' .. group .. ' ', 1, true) then return false end
  end
  return true
end

-- The lanes of the step the call has entered last.
local function current_lanes(c)
  local lanes = {}
  for i = #c.lanes - c.k + 1, #c.lanes do lanes[#lanes + 1] = c.lanes[i] end
  return lanes
end

-- Nobody serves the current step: it is joined, not waited in.
local function deserted(c)
  for _, lane in ipairs(current_lanes(c)) do
    if on_duty(lane) then return false end
  end
  return true
end

-- On a last step that is closed the caller leaves; a callback stays, nobody is on the line.
local function last_stop(c)
  return not c.callback and all_closed(current_lanes(c)) and 'e' or 'w'
end

local function standing_in(c, lanes)
  local count = 0
  for _, lane in ipairs(lanes) do
    count = count + call('ZCARD', W .. lane)
    if call('ZSCORE', W .. lane, c.id) then count = count - 1 end
  end
  return count
end

-- Looks over all lanes the call has entered, as one that returns does.
local function look_all(c)
  c.duty = 0
  local agent, lane, since, profile = find_agent(c, c.lanes, c.seen)
  if agent then c.to, c.agent, c.lane, c.since, c.profile = 'o', agent, lane, since, profile end
  return agent ~= nil
end

local function enter(c, text)
  c.seen = c.seen or {}
  if text == '' then
    c.due, c.to = '', last_stop(c)
    return
  end
  while true do
    local name, busy, wait, max, lanes, tail = string.match(text, '^([^;]*);([^;]*);([^;]*);([^;]*);([^|]*)|?(.*)$')
    local fresh = join(c, lanes)
    c.step, c.entered, c.busy, c.due, c.asked, c.mode, c.rest = name, now, busy, '', '0', '', tail
    c.entering = (c.entering and c.entering .. ' ' or '') .. name
    c.duty = 0
    local agent, lane, since, profile = find_agent(c, c.av ~= '' and c.lanes or fresh, c.seen)
    if agent then
      c.to, c.agent, c.lane, c.since, c.profile = 'o', agent, lane, since, profile
      if wait ~= '' then c.due = now + wait end
      return
    end
    text = tail
    if tail == '' then
      c.to = last_stop(c)
      return
    end
    if c.av ~= '' then
      c.duty = 0
      for _, entered in ipairs(fresh) do if on_duty(entered) then c.duty = 1 end end
    end
    if busy ~= '' then
      if c.duty > 0 and busy ~= 'next' then
        if busy == 'wait' or c.callback then
          c.to, c.due = 'w', wait ~= '' and now + wait or ''
        else
          c.to, c.due, c.asked = 'q', now + question_ms, '1'
        end
        return
      end
    elseif c.duty > 0 and (max == '' or standing_in(c, fresh) < tonumber(max)) and wait ~= '0' then
      c.to = 'w'
      if wait ~= '' then c.due = now + wait end
      return
    end
  end
end

-- Writes the call where enter() or look_all() put it. `standing`: it is in its lanes already (the new ones are added).
local function settle(c, standing)
  c.ln = table.concat(c.lanes, ' ')
  pack_step(c)
  local seen = table.concat(c.seen, ' ')
  if c.to == 'e' then
    end_call(c, 'overflowed_out', 'closed', standing)
    return
  end
  if c.entering and not c.quiet then
    emit('call.widened|call=' .. c.id .. '|entered=' .. c.entering .. '|step=' .. c.sp .. '|lanes=' .. c.ln
      .. '|facts=' .. c.mx .. '|seen=' .. seen)
  end
  if c.to == 'q' then
    emit('call.owner_busy|call=' .. c.id .. '|step=' .. c.sp .. '|asked=' .. c.asked .. '|facts=' .. c.mx
      .. '|seen=' .. seen)
  end
  call('HSET', C .. c.id, 'st', c.to, 'ag', c.to == 'o' and c.agent or '', 'rk', c.rank, 'ln', c.ln, 'sp', c.sp, 'mx', c.mx)
  if c.rest and c.rest ~= '' then call('SET', L .. c.id, c.rest) elseif c.rest and not c.quiet then call('DEL', L .. c.id) end
  local due = due_of(c)
  if due ~= '' then call('ZADD', T, due, 'c:' .. c.id) else call('ZREM', T, 'c:' .. c.id) end
  if c.to == 'o' then
    lease(c, c.agent, c.lane, c.since, standing, c.profile, seen)
    return
  end
  for _, lane in ipairs(c.lanes) do call('ZADD', W .. lane, c.rank, c.id) end
  c.st = c.to
end
