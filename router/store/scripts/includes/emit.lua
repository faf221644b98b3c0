--[[
  emit -- one transition, one entry; its id is the fence of an offer.
]]
local function emit(text)
  return call('XADD', EV, entry, 'e', text .. '|at=' .. at)
end
