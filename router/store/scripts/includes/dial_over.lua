--[[
  dial_over -- the customer could not be dialled: it was tried once, and the agent is ready as before.
  EVENTS  none of its own
]]
local function dial_over(c, cause)
  local f, held = call('HMGET', A .. c.ag, 'pr', 'rs'), held_call(call('HGET', C .. c.id, 'hr'))
  end_call(c, held and 'superseded' or 'failed', cause, false)
  -- Before the agent looks: the held call's place may be the best.
  release_held(held)
  become_ready(c.ag, f[1], f[2], 'dial_over')
end
