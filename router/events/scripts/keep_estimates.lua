--[[
  keep_estimates -- what was learned and the entry it was learned from are kept together, by one learner at a time.

  KEYS[1] site          prefix of every key

  ARGV[1] learner       who asks
  ARGV[2] lease_ms      how long nobody else may, from now on
  ARGV[3] after         the entry that the learner went on from
  ARGV[4] last          the entry it has got to
  ARGV[5] model         what it knows now, '' as before
  ARGV[6] calls         JSON: call -> what is known of it, '' nothing more
  ARGV[7] forecast      a new one, '' none
  ARGV[8] keep          forecasts to keep

  RETURNS {OK} | {TAKEN} | {MOVED}
  EVENTS  none
  WHY     a learner that froze and wakes must not count an entry that another has counted meanwhile.
]]
local call = redis.call
local by, kept = site .. ':est:by', site .. ':est'
local holder = call('GET', by)
if holder and holder ~= learner then return {'TAKEN'} end
if (call('HGET', kept, 'last') or '0-0') ~= after then return {'MOVED'} end

call('SET', by, learner, 'PX', lease_ms)
if last ~= after then call('HSET', kept, 'last', last) end
if model ~= '' then call('HSET', kept, 'model', model) end
for id, text in pairs(cjson.decode(calls)) do
  if text == '' then call('HDEL', site .. ':est:c', id) else call('HSET', site .. ':est:c', id, text) end
end
if forecast ~= '' then
  call('RPUSH', site .. ':est:f', forecast)
  call('LTRIM', site .. ':est:f', -keep, -1)
  call('HINCRBY', kept, 'forecasts', 1)
end
-- A bookmark for the trimmer; one that was cut off is set anew.
local marked = redis.pcall('XGROUP', 'SETID', site .. ':ev', 'estimates', last)
if type(marked) == 'table' and marked.err then call('XGROUP', 'CREATE', site .. ':ev', 'estimates', last, 'MKSTREAM') end
return {'OK'}
