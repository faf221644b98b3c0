--[[
  cut_off -- a reader that has owed an entry for too long starts again with what comes next.

  KEYS[1] site          prefix of every key

  ARGV[1] group
  ARGV[2] owes          the entry it was seen to owe
  ARGV[3] read          the last one it was seen to have been handed
  ARGV[4] hard_limit    entries from which on readers are cut off

  RETURNS {OK} | {MOVED}
  EVENTS  none
  WHY     whoever looked, froze and wakes must not cut off a reader that has caught up meanwhile; and between the end of
          a group and its new beginning nobody may find it missing and begin it at the stream's first entry.
]]
local call = redis.call
local stream = site .. ':ev'
if call('XLEN', stream) < tonumber(hard_limit) then return {'MOVED'} end
local pending = redis.pcall('XPENDING', stream, group)
if pending.err then return {'MOVED'} end
if pending[1] > 0 and pending[2] ~= owes then return {'MOVED'} end
for _, facts in ipairs(call('XINFO', 'GROUPS', stream)) do
  if facts[2] == group and facts[8] ~= read then return {'MOVED'} end
end
call('XGROUP', 'DESTROY', stream, group)
call('XGROUP', 'CREATE', stream, group, '$')
return {'OK'}
