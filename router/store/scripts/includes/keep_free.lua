--[[
  keep_free -- which lanes a profile may be matched through without leaving another group short.

  `keep` is the second half of the profile's row in the guide: `group=r=profile,profile …`.
  Answers nil (any lane), a group (only its lanes) or '*' (none).
]]
local function shortage(keep, counted)
  local short = nil
  for group, r, profiles in string.gmatch(keep, '([^ =]+)=(%d+)=(%S+)') do
    local ready = -counted
    for profile in string.gmatch(profiles, '%d+') do ready = ready + call('ZCARD', I .. profile) end
    if ready < tonumber(r) then
      if short then return '*' end
      short = group
    end
  end
  return short
end
