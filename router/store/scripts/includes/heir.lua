--[[
  heir -- a newer call of the same identity gets the place of one that ends: a cut-off line whose caller dialled again
  before the dead leg's hang-up, or a customer who called in while their callback was being dialled.
  EVENTS  call.recalled
]]
local HEIR_MS = 60000

local function rerank(c, rank)
  c.rank = string.format('%.0f', rank)
  call('HSET', C .. c.id, 'rk', c.rank, 'mx', c.mx)
  if c.st == 'w' or c.st == 'q' then
    for name in string.gmatch(c.ln, '%S+') do call('ZADD', W .. name, c.rank, c.id) end
  end
end

-- The old call left while waiting: true when its place passed on. `came`: when the heir did, which may be accepted from
-- earlier by a place it has been given before.
local function pass_place(old, heir_id, came)
  local heir = heir_id and now - (came or 0) <= HEIR_MS and read_call(heir_id)
  if not heir or not heir.accepted then return false end
  if heir.st == 'w' or heir.st == 'q' or heir.st == 'g' then
    emit('call.recalled|call=' .. heir.id .. '|old=' .. old.id .. '|accepted=' .. old.accepted)
    -- Nothing to gain where the heir was greeted before the old call came.
    local gained = math.max(0, heir.accepted - old.accepted)
    if gained > 0 then heir.accepted = old.accepted end
    pack_facts(heir)
    rerank(heir, (heir.rank ~= '' and heir.rank or 0) - gained * 1000)
  end
  return true
end

-- The customer's own call, if it still waits for the end of her callback's dial.
local function held_call(heir_id)
  local heir = heir_id and read_call(heir_id)
  return heir and heir.st == 'w' and heir.step == '' and heir or nil
end

-- The dial of a callback is over: the held call enters its ladder at the rank it held.
local function release_held(heir)
  if not heir then return end
  enter(open_lanes(heir), call('GET', L .. heir.id) or '')
  settle(heir, true)
end
