-- The one clock: Redis' own time in whole milliseconds. 13 digits, exact through Lua's `..` and tostring.
local function now_ms()
  local t = redis.call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end
