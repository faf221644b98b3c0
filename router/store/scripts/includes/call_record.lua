--[[
  call_record -- the hot record of a call as a table, and its two packed fields.

  sp: step;lanes of it;entered ms;due ms;when busy;times asked;mode       mx: accepted ms;max ms;kind;tier;times connected
  kind: j media elsewhere, a adapter; kj, ka their callbacks, which are dialled when an agent accepts.
]]
local function read_call(id)
  local f = call('HMGET', C .. id, 'st', 'ag', 'fe', 'rk', 'ln', 'sp', 'mx', 'av', 'la')
  if not f[1] then return nil end
  local c = {id = id, st = f[1], ag = f[2] or '', fe = f[3] or '', rank = f[4] or '', ln = f[5] or '', sp = f[6] or '',
             mx = f[7] or '', av = f[8] or '', la = f[9] or ''}
  c.step, c.k, c.entered, c.due, c.busy, c.asked, c.mode = string.match(c.sp,
    '^([^;]*);([^;]*);([^;]*);([^;]*);([^;]*);([^;]*);([^;]*)$')
  c.accepted, c.max, c.kind, c.tier, c.talks = string.match(c.mx, '^([^;]*);([^;]*);([^;]*);([^;]*);([^;]*)$')
  c.seen, c.entering, c.quiet = '', '', false
  c.callback = c.kind ~= nil and string.sub(c.kind, 1, 1) == 'k'
  return c
end

local function pack_step(c)
  c.sp = c.step .. ';' .. c.k .. ';' .. c.entered .. ';' .. c.due .. ';' .. c.busy .. ';' .. c.asked .. ';' .. c.mode
end

local function pack_facts(c)
  c.mx = c.accepted .. ';' .. c.max .. ';' .. c.kind .. ';' .. c.tier .. ';' .. c.talks
end

-- The least of the call's own deadlines, '' for none.
local function due_of(c)
  if c.due == '' then return c.max end
  if c.max == '' or tonumber(c.due) < tonumber(c.max) then return c.due end
  return c.max
end

-- A call that waits again after a talk has its whole wait anew, and a callback's customer is on the line by now.
local function talked(c, max)
  c.max, c.kind, c.callback = max, string.sub(c.kind, -1), false
  pack_facts(c)
end
