--[[
  keep_metrics -- what was counted, what it was counted from, and the entry it goes up to are kept together.

  KEYS[1] site          prefix of every key

  ARGV[1] reader        who asks
  ARGV[2] lease_ms      how long nobody else may, from now on
  ARGV[3] after         the entry that the reader went on from
  ARGV[4] last          the entry it has got to
  ARGV[5] part          '' the next entries | begin, more, end of a snapshot
  ARGV[6] values        JSON: field -> what is shown
  ARGV[7] things        JSON: c:call or a:agent -> what is known of it, '' nothing more

  RETURNS {OK} | {TAKEN} | {MOVED} | {CUT}
  EVENTS  none
  WHY     a reader that froze and wakes must not count what another has counted, and one that was cut off must notice.
]]
local call = redis.call
local by, kept, known, ev = site .. ':mt:by', site .. ':mt', site .. ':mt:k', site .. ':ev'
local holder = call('GET', by)
if holder and holder ~= reader then return {'TAKEN'} end
if (call('HGET', kept, 'last') or '') ~= after then return {'MOVED'} end
if part == '' then
  -- The bookmark stands where we left it, unless the trimmer cut us off or the server lost what it had.
  local mark = nil
  local groups = redis.pcall('XINFO', 'GROUPS', ev)
  for i = 1, #groups do
    local row = groups[i]
    if row[2] == 'metrics' then
      for j = 1, #row, 2 do
        if row[j] == 'last-delivered-id' then mark = row[j + 1] end
      end
    end
  end
  if mark ~= after then return {'CUT'} end
end

call('SET', by, reader, 'PX', lease_ms)
if part == 'begin' then call('DEL', known) end
if part == 'begin' or part == 'more' then
  call('HSET', kept, 'last', last, 'whole', '')
elseif last ~= after or part == 'end' then
  call('HSET', kept, 'last', last, 'whole', '1')
end
for field, text in pairs(cjson.decode(values)) do call('HSET', kept, field, text) end
for name, text in pairs(cjson.decode(things)) do
  if text == '' then call('HDEL', known, name) else call('HSET', known, name, text) end
end
if last ~= after or part ~= '' then
  local marked = redis.pcall('XGROUP', 'SETID', ev, 'metrics', last)
  if type(marked) == 'table' and marked.err then call('XGROUP', 'CREATE', ev, 'metrics', last, 'MKSTREAM') end
end
return {'OK'}
