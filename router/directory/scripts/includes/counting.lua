--[[
  counting -- how often somebody called lately: a few members a number, none older than the window.

  vc:<number> calls of a number -> when; vl:<number> those that have not ended; vn:<customer> numbers -> when last used.
]]
local VC, VL, VN, C = site .. ':vc:', site .. ':vl:', site .. ':vn:', site .. ':c:'
local SETTLING_MS, STANDING_MS = 30000, 86400000

-- Which of the number's calls this one is, at most one more than `most`. Told of again it is the same one.
local function count_call(number, call_id, at, window, most)
  local key = VC .. number
  call('ZREMRANGEBYSCORE', key, '-inf', at - window)
  local place = call('ZRANK', key, call_id)
  if place then return place + 1 end
  local count = call('ZCARD', key)
  if count >= most then return most + 1 end
  call('ZADD', key, at, call_id)
  call('PEXPIRE', key, window)
  return count + 1
end

-- How many other calls of the number have not ended; this one joins them while they are fewer than `most`.
local function count_standing(number, call_id, at, most)
  local key, others, known = VL .. number, 0, false
  local calls = call('ZRANGE', key, 0, -1, 'WITHSCORES')
  for i = 1, #calls, 2 do
    local state = call('HGET', C .. calls[i], 'st')
    if calls[i] == call_id then
      known = true
    elseif state == 'e' or (not state and at - calls[i + 1] > SETTLING_MS) then
      call('ZREM', key, calls[i])
    else
      others = others + 1
    end
  end
  if known then return 0 end
  if others < most then
    call('ZADD', key, at, call_id)
    call('PEXPIRE', key, STANDING_MS)
  end
  return others
end

-- From how many numbers a customer has called lately.
local function count_number(id, number, at, window, most)
  if most == 0 then return 0 end
  local key = VN .. id
  call('ZREMRANGEBYSCORE', key, '-inf', at - window)
  if call('ZSCORE', key, number) or call('ZCARD', key) < most then
    call('ZADD', key, at, number)
    call('PEXPIRE', key, window)
  end
  return call('ZCARD', key)
end
