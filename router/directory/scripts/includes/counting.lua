--[[
  counting -- how often somebody called lately: short texts, a few entries each, that go by themselves.

  vc:<number> its calls, oldest first: `call at;`, of one that has ended `- at;`. vn:<customer> numbers: `number at;`.
]]
local VC, VN, C = site .. ':vc:', site .. ':vn:', site .. ':c:'
local SETTLING_MS, STANDING_MS = 30000, 7200000

local function stands(call_id, since, at)
  local state = call('HGET', C .. call_id, 'st')
  if state then return state ~= 'e' end
  return at - since < SETTLING_MS
end

-- Which of its number's calls lately this one is, at most one more than `most`, and how many others have not ended, of
-- interest only where there may be `at_once`. Told of again it is the same one; one too many is not written down.
local function count_call(number, call_id, at, window, most, at_once)
  local key = VC .. number
  local own, text = call_id .. ' ' .. string.format('%.0f', at) .. ';', call('GET', key)
  local lasts = math.max(window, STANDING_MS)
  if not text then
    call('SET', key, own, 'PX', lasts)
    return 1, 0
  end
  local recent, kept, standing = 0, {}, {}
  for id, since in string.gmatch(text, '(%S+) (%d+);') do
    local old = at - since >= window
    if not old then recent = recent + 1 end
    if id == call_id then return recent, 0 end
    if id ~= '-' and (not old or stands(id, since, at)) then standing[#standing + 1] = #kept + 1 end
    if not old or standing[#standing] == #kept + 1 then kept[#kept + 1] = {id, since} end
  end
  if recent >= most then return most + 1, 0 end
  local others = #standing
  if others >= at_once then
    for _, place in ipairs(standing) do
      if not stands(kept[place][1], kept[place][2], at) then kept[place][1], others = '-', others - 1 end
    end
  end
  for i = 1, #kept do kept[i] = kept[i][1] .. ' ' .. kept[i][2] .. ';' end
  if others < at_once then kept[#kept + 1] = own end
  call('SET', key, table.concat(kept), 'PX', lasts)
  return recent + 1, others
end

-- From how many numbers a customer has called lately, counted no further than `most`. Whose only number it is needs no
-- note of it.
local function count_number(id, number, at, window, most, only)
  if most == 0 then return 0 end
  local key = VN .. id
  local text = call('GET', key)
  if not text and only then return 1 end
  local count, kept = 0, {}
  for other, since in string.gmatch(text or '', '(%S+) (%d+);') do
    if other ~= number and at - since < window then
      count = count + 1
      kept[count] = other .. ' ' .. since .. ';'
    end
  end
  if count >= most then return count end
  kept[count + 1] = number .. ' ' .. string.format('%.0f', at) .. ';'
  call('SET', key, table.concat(kept), 'PX', window)
  return count + 1
end
