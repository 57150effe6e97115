-- Admissions of about the last minute, in windows of ten seconds: field `rate_<window % 7>` of the room holds
-- `<window> <count>`. `rate_since` is when admission began after a minute without any, so that a sale which opened
-- five seconds ago is measured over these five. Once the room is set to less, what was before tells nothing any more.
local RATE_WINDOW_MS, RATE_WINDOWS = 10000, 7

-- Thousandths of an admission per second, an integer; 0 where nobody was admitted.
local function rate_read(room, now)
  local first = math.floor(now / RATE_WINDOW_MS) - RATE_WINDOWS + 1
  local fields = { 'rate_since', 'admit_per_second' }
  for i = 0, RATE_WINDOWS - 1 do fields[i + 3] = 'rate_' .. i end
  local values, sum = redis.call('HMGET', room, unpack(fields)), 0
  for i = 3, #fields do
    local window, count = (values[i] or '0 0'):match('^(%d+) (%d+)$')
    if tonumber(window) >= first then sum = sum + tonumber(count) end
  end
  local since = math.max(tonumber(values[1] or 0), first * RATE_WINDOW_MS)
  local measured = math.floor(sum * 1e6 / math.max(1000, now - since))
  return math.min(measured, 1000 * tonumber(values[2] or 0))
end

local function rate_note(room, count, now)
  if rate_read(room, now) == 0 then redis.call('HSET', room, 'rate_since', now) end
  local window = math.floor(now / RATE_WINDOW_MS)
  local field = 'rate_' .. window % RATE_WINDOWS
  local noted, before = (redis.call('HGET', room, field) or '0 0'):match('^(%d+) (%d+)$')
  if tonumber(noted) == window then count = count + tonumber(before) end
  redis.call('HSET', room, field, window .. ' ' .. count)
end
