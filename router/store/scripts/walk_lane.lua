--[[
  walk_lane -- a lane lost its last agent or its group was closed: those whose current step nobody serves enter the next.

  KEYS[1] site          prefix of every key

  ARGV[1] clock         '' server time, 'v' last virtual time, or ms
  ARGV[2] lane
  ARGV[3] after         rank to go on from, '-inf' at first
  ARGV[4] offer_ms
  ARGV[5] question_ms
  ARGV[6] tombstone_ms
  ARGV[7] retain_ended_ms

  RETURNS {MORE, rank} | {DONE} | {NOT_DUE} | {NOT_VIRTUAL}
  EVENTS  none of its own
  WHY     a hundred calls a script keep the server free; the deadline stays until the end is reached, so a dead sweeper's
          walk is begun anew.
]]
--- @include "keys"
--- @include "clock"
--- @include "emit"
--- @include "call_record"
--- @include "keep_free"
--- @include "duty"
--- @include "find_agent"
--- @include "lease"
--- @include "end_call"
--- @include "advance"

local due = call('ZSCORE', T, 'l:' .. lane)
if not due or tonumber(due) > now then return 'NOT_DUE' end
local served = {}
local function is_served(name)
  if served[name] == nil then served[name] = on_duty(name) end
  return served[name]
end

local row = is_served(lane) and {} or call('ZRANGE', W .. lane, after, '+inf', 'BYSCORE', 'LIMIT', 0, 100, 'WITHSCORES')
for i = 1, #row, 2 do
  local c = open_lanes(read_call(row[i]))
  local lost = true
  for _, name in ipairs(current_lanes(c)) do lost = lost and not is_served(name) end
  if lost then
    local text = call('GET', L .. c.id) or ''
    if text ~= '' then
      enter(c, text)
      settle(c, true)
    elseif last_stop(c) == 'e' then
      end_call(c, 'overflowed_out', 'closed', true)
    end
  end
end
if #row == 200 and row[200] ~= after then return 'MORE ' .. row[200] end
call('ZREM', T, 'l:' .. lane)
return 'DONE'
