--[[
  count_levels -- service level counts of the entries that nobody has counted yet.

  KEYS[1] site          prefix of every key

  ARGV[1] group         whose entries they are
  ARGV[2] rows          a line each: entry, bucket, what is counted
  ARGV[3] keep_ms       how long a bucket is kept

  RETURNS {OK, counted}
  EVENTS  none
  WHY     a reader that froze and wakes has been replaced: what it holds is counted, or acknowledged by it, only once.
]]
local call = redis.call
local counted, touched, fresh = 0, {}, {}
for id, bucket, what in string.gmatch(rows, '(%S+) (%S+) (%S+)') do
  if fresh[id] == nil then fresh[id] = call('XACK', site .. ':ev', group, id) == 1 end
  if fresh[id] then
    call('HINCRBY', site .. ':sl:' .. bucket, what, 1)
    touched[bucket] = true
    counted = counted + 1
  end
end
for bucket in pairs(touched) do call('PEXPIRE', site .. ':sl:' .. bucket, keep_ms) end
return {'OK', counted}
