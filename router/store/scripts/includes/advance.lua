--[[
  advance -- steps are entered, never left: the call joins lanes until it is matched, asked, or parked.

  A ladder's text: `step;when busy;wait ms;max waiting;lane lane` joined by `|`. `c.lanes` holds the entered lanes.
  enter() decides and writes nothing; settle() writes what it decided: c.to is o offered, q choosing, w waiting, e exit.
  c.quiet: a new call, whose own event tells what it entered, and whose cold fields (c.meta) are written with it.
  NEEDS   offer_ms question_ms
  EVENTS  call.owner_busy call.widened
]]
-- Where we speak ourselves the question is heard to its end first, and asked twice: the time is then for a carrier that
-- never comes back.
local SPOKEN = 3

local function asked_until(c)
  return string.format('%d', now + question_ms * (c.kind == 'a' and SPOKEN or 1))
end

local function open_lanes(c)
  c.lanes = {}
  for name in string.gmatch(c.ln, '%S+') do c.lanes[#c.lanes + 1] = name end
  return c
end

local function join(c, lanes)
  local fresh = {}
  for name in string.gmatch(lanes, '%S+') do
    for i = #c.lanes, 1, -1 do
      if c.lanes[i] == name then table.remove(c.lanes, i) end
    end
    c.lanes[#c.lanes + 1] = name
    fresh[#fresh + 1] = name
  end
  c.k = #fresh
  return fresh
end

-- No lane is left: every group the call stands in is closed, and so is every agent's own lane whose agent is away.
local function all_closed(lanes)
  local closed = call('HGET', G, 'x')
  if not closed or #lanes == 0 then return false end
  for _, lane in ipairs(lanes) do
    local open = not string.find(closed, ' ' .. string.match(lane, '^[^+]+') .. ' ', 1, true)
    if open and (string.sub(lane, 1, 1) ~= '@' or on_duty(lane)) then return false end
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

-- On the last step a caller leaves whom no open lane keeps; a callback stays, nobody is on the line.
local function last_stop(c)
  return not c.callback and all_closed(c.lanes) and 'e' or 'w'
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
  local agent, lane, since, profile = find_agent(c, c.lanes)
  if agent then c.to, c.agent, c.lane, c.since, c.profile = 'o', agent, lane, since, profile end
  return agent ~= nil
end

local function enter(c, text)
  if text == '' then
    c.due, c.to = '', last_stop(c)
    return
  end
  while true do
    local name, busy, wait, max, lanes, tail = string.match(text, '^([^;]*);([^;]*);([^;]*);([^;]*);([^|]*)|?(.*)$')
    local fresh = join(c, lanes)
    c.step, c.entered, c.busy, c.due, c.asked, c.mode, c.rest = name, at, busy, '', '0', '', tail
    c.entering = c.entering ~= '' and c.entering .. ' ' .. name or name
    c.duty = false
    local agent, lane, since, profile = find_agent(c, c.av ~= '' and c.lanes or fresh)
    if agent then
      c.to, c.agent, c.lane, c.since, c.profile = 'o', agent, lane, since, profile
      if wait ~= '' then c.due = string.format('%d', now + wait) end
      return
    end
    text = tail
    if tail == '' then
      c.to = last_stop(c)
      return
    end
    if c.av ~= '' then
      c.duty = false
      for _, entered in ipairs(fresh) do c.duty = c.duty or on_duty(entered) end
    end
    if busy ~= '' then
      if c.duty and busy ~= 'next' then
        if busy == 'wait' or c.callback then
          c.to, c.due = 'w', wait ~= '' and string.format('%d', now + wait) or ''
        else
          c.to, c.due, c.asked = 'q', asked_until(c), '1'
        end
        return
      end
    elseif c.duty and wait ~= '0' then
      local standing = max ~= '' and standing_in(c, fresh)
      if not standing or standing < tonumber(max) then
        c.to = 'w'
        if wait ~= '' then c.due = string.format('%d', now + wait) end
        return
      end
      c.seen = c.seen .. ' ' .. fresh[1] .. '=full,' .. standing .. '/' .. max
    end
  end
end

-- Writes the call where enter() or look_all() put it. `standing`: it is in its lanes already (the new ones are added).
local function settle(c, standing)
  c.ln = table.concat(c.lanes, ' ')
  pack_step(c)
  if c.to == 'e' then
    -- Which lanes had no room is asked when the caller is told why, and by a callback.
    call('HSET', C .. c.id, 'rk', c.rank, 'ln', c.ln, 'sp', c.sp)
    --- @include "end_call"
    end_call(c, 'overflowed_out', 'closed', standing)
    return
  end
  if c.entering ~= '' and not c.quiet then
    emit('call.widened|call=' .. c.id .. '|entered=' .. c.entering .. '|step=' .. c.sp .. '|lanes=' .. c.ln
      .. '|facts=' .. c.mx .. '|seen=' .. string.sub(c.seen, 2))
  end
  if c.to == 'q' then
    emit('call.owner_busy|call=' .. c.id .. '|step=' .. c.sp .. '|asked=' .. c.asked .. '|facts=' .. c.mx
      .. '|seen=' .. string.sub(c.seen, 2))
  end
  if c.quiet then
    call('HSET', C .. c.id, 'st', c.to, 'rk', c.rank, 'ln', c.ln, 'sp', c.sp, 'mx', c.mx)
    if c.rest ~= '' then call('MSET', L .. c.id, c.rest, M .. c.id, c.meta) else call('SET', M .. c.id, c.meta) end
  else
    call('HSET', C .. c.id, 'st', c.to, 'ag', '', 'rk', c.rank, 'ln', c.ln, 'sp', c.sp, 'mx', c.mx)
    if c.rest == '' then call('DEL', L .. c.id) elseif c.rest then call('SET', L .. c.id, c.rest) end
  end
  local due = due_of(c)
  if due ~= '' then call('ZADD', T, due, 'c:' .. c.id) else call('ZREM', T, 'c:' .. c.id) end
  if c.to == 'o' then
    --- @include "lease"
    lease(c, c.agent, c.lane, c.since, standing, c.profile, string.sub(c.seen, 2))
    return
  end
  for i = 1, #c.lanes do call('ZADD', W .. c.lanes[i], c.rank, c.id) end
  c.st = c.to
end
