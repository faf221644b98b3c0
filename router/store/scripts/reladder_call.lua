--[[
  reladder_call -- a call in line gets the steps of the new plan that it has not entered; rank and clock stay.

  KEYS[1] site          prefix of every key

  ARGV[1] clock         '' server time, 'v' last virtual time, or ms
  ARGV[2] call_id
  ARGV[3] ladder        steps not yet entered
  ARGV[4] enter_now     1: the current step's group is gone
  ARGV[5] at_step       the current step it was made for
  ARGV[6] plan_version
  ARGV[7] offer_ms
  ARGV[8] question_ms
  ARGV[9] tombstone_ms
  ARGV[10] retain_ended_ms

  RETURNS {OK, state} | {MOVED, state} | {PLAN_MOVED, version} | {UNKNOWN} | {NOT_VIRTUAL}
  EVENTS  call.rerouted
  WHY     a pending question stays, an offer is not touched: the new steps are found when the call returns.
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

local c = read_call(call_id)
if not c then return 'UNKNOWN' end
local version = call('HGET', G, 'v') or ''
if version ~= plan_version then return 'PLAN_MOVED ' .. version end
if c.st == 'e' or c.st == 'g' or c.st == 'c' then return 'OK ' .. c.st end
if c.step ~= at_step then return 'MOVED ' .. c.st end
local text = call('GET', L .. call_id) or ''
local standing = ladder ~= '' and c.step ~= '' and (c.st == 'w' or c.st == 'q')
if text == ladder and not (standing and enter_now ~= '') then return 'OK ' .. c.st end

emit('call.rerouted|call=' .. call_id .. '|version=' .. version .. '|step=' .. c.sp .. '|facts=' .. c.mx)
call('SET', L .. call_id, ladder)
if standing and (enter_now ~= '' or deserted(open_lanes(c))) then
  open_lanes(c)
  enter(c, ladder)
  settle(c, true)
end
return 'OK ' .. c.st
