--[[
  words -- what people write about a call lies with its cold facts, under the entry it is about; the event only says so.

  An erasure finds it there, and it ends with the call. Write it down where all guards have been passed: who is refused
  or repeats leaves nothing. `text`: a JSON string, '' nothing was said. So many are kept a call: each look at it reads them.
  EVENTS  none of its own
]]
local function mark(text)
  return text ~= '' and 'words:' or ''
end

local function put_down(id, entry_id, text)
  local meta = text ~= '' and call('GET', M .. id)
  if not meta then return end
  local _, kept = string.gsub(meta, '"words:%d', '')
  if kept >= 50 then return end
  call('SET', M .. id, (meta == '{}' and '{' or string.sub(meta, 1, -2) .. ',') .. '"words:' .. entry_id .. '":' .. text .. '}',
    'KEEPTTL')
end
