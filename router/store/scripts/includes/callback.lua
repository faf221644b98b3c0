--[[
  callback -- a callback stands where its call stood: same rank, same lanes, its customer dialled when an agent accepts.

  `meta`: its cold fields. `identity`: whose newest call it is from now on, '' nobody's.
  NEEDS   callback_ms
  EVENTS  callback.booked, with what the caller had been told of the wait
]]
local function book(k, old, meta, identity)
  pack_step(k)
  pack_facts(k)
  emit('callback.booked|call=' .. k.id .. '|old=' .. old.id .. '|lanes=' .. k.ln .. '|step=' .. k.sp .. '|facts=' .. k.mx
    .. '|told=' .. (call('HGET', F .. old.id, 'told') or ''))
  call('SET', M .. k.id, meta)
  call('ZADD', CALLBACKS, now, k.id)
  if identity ~= '' then call('SET', R .. identity, k.id, 'PX', callback_ms) end
end

-- Whether there is a place to keep. A call that is held for its customer's callback has none, though it may have been
-- assigned to somebody meanwhile: it has entered no step.
local function has_place(c)
  return (c.st == 'w' or c.st == 'q') and c.ln ~= '' and c.step ~= ''
end

-- Out of the line: the call ends, its callback stands in its place.
local function keep(c, id, meta, identity, widens)
  local was, rest = c.st, call('GET', L .. c.id) or ''
  local k = {id = id, step = c.step, k = c.k, entered = c.entered, busy = c.busy, asked = '2', mode = 'wait', ln = c.ln,
             accepted = c.accepted, max = now + callback_ms, kind = 'k' .. c.kind, tier = c.tier, talks = c.talks, due = ''}
  if widens ~= '' and rest ~= '' then k.due = was == 'w' and c.due or now else rest = '' end
  book(k, c, meta, identity)
  end_call(c, 'callback', 'keep_place', true)
  call('HSET', C .. id, 'st', 'w', 'ag', '', 'rk', c.rank, 'ln', c.ln, 'sp', k.sp, 'mx', k.mx)
  if c.av ~= '' then call('HSET', C .. id, 'av', c.av) end
  if rest ~= '' then call('SET', L .. id, rest) end
  for name in string.gmatch(c.ln, '%S+') do call('ZADD', W .. name, c.rank, id) end
  call('ZADD', T, due_of(k), 'c:' .. id)
end
