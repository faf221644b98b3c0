--[[
  record_contact -- remember how a customer's call went; the last few are kept.

  KEYS[1] site          prefix of every key

  ARGV[1] customer_id
  ARGV[2] call_id
  ARGV[3] contact       at|agent|outcome|call
  ARGV[4] keep          so many
  ARGV[5] number        which the talk was completed from, '' none or no talk

  RETURNS {OK} | {UNKNOWN}
  WHY     events are read at least once and in any order, and an erased person must stay erased.
]]
--- @include "directory"

if call('HEXISTS', shelf_of(customer_id), customer_id) ~= 1 then return {'UNKNOWN'} end
if number ~= '' and string.find(' ' .. (call('HGET', index_of(number), number) or '') .. ' ', ' ' .. customer_id .. ' ', 1, true) then
  call('SADD', UR .. customer_id, number)
end
local lines = {contact}
for line in string.gmatch(call('GET', UC .. customer_id) or '', '[^\n]+') do
  if string.match(line, '[^|]*$') ~= call_id then lines[#lines + 1] = line end
end
table.sort(lines, function(a, b) return tonumber(string.match(a, '^%d+')) > tonumber(string.match(b, '^%d+')) end)
call('SET', UC .. customer_id, table.concat(lines, '\n', 1, math.min(#lines, tonumber(keep))))
return {'OK'}
