--[[
  pin_locks -- who may try a PIN: so many wrong ones, then nobody is checked for a while, then for twice as long …

  pl:<whom> a hash: n tries since the last lock, k locks so far, u locked until. Counted before it is checked, so that
  many at once are no more than one after another.
]]
local PL = site .. ':pl:'

local function is_locked(whom, at)
  return tonumber(call('HGET', PL .. whom, 'u') or '0') > at
end

local function count_try(whom, at, tries, lock_ms, lock_max_ms)
  local key = PL .. whom
  local n, locks, lasts = call('HINCRBY', key, 'n', 1), tonumber(call('HGET', key, 'k') or '0'), 0
  if n >= tries then
    lasts = math.min(lock_ms * 2 ^ math.min(locks, 40), lock_max_ms)
    call('HSET', key, 'n', 0, 'k', locks + 1, 'u', string.format('%.0f', at + lasts))
  end
  call('PEXPIRE', key, string.format('%.0f', lasts + lock_max_ms))
end

-- Numbers that cannot be told apart, or are made up anew for every call, are counted together.
local function count_crowd(at, window)
  local key = PL .. 'w:' .. string.format('%.0f', math.floor(at / window))
  local n = call('HINCRBY', key, 'n', 1)
  call('PEXPIRE', key, window)
  return n
end

local function forgive_crowd(at, window)
  local key = PL .. 'w:' .. string.format('%.0f', math.floor(at / window))
  if call('EXISTS', key) == 1 then call('HINCRBY', key, 'n', -1) end
end

-- A right one was no try; what others got wrong meanwhile stays counted.
local function give_back(whom, at, tries)
  local key = PL .. whom
  local f = call('HMGET', key, 'n', 'k', 'u')
  if tonumber(f[3] or '0') > at then
    call('HSET', key, 'n', tries - 1, 'k', (f[2] or 1) - 1)
    call('HDEL', key, 'u')
  elseif f[1] and tonumber(f[1]) > 0 then
    call('HINCRBY', key, 'n', -1)
  end
end
