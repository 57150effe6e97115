#!lua
-- Changes settings of a room; what is not named stays. An opening time that has come is over with the next CLOSED that
-- brings none of its own: else the room would open again at once.
-- KEYS[1] room  hash  settings
-- ARGV[1..] field value
-- Reply   CHANGED | NONE
-- @include now_ms

local room = KEYS[1]
if redis.call('EXISTS', room) == 0 then return { 'NONE' } end

local change = {}
for i = 1, #ARGV, 2 do change[ARGV[i]] = ARGV[i + 1] end
if change.state == 'CLOSED' and not change.opens_at then
  local opens_at = tonumber(redis.call('HGET', room, 'opens_at') or '')
  if opens_at and opens_at <= now_ms() then change.opens_at = '' end
end
for field, value in pairs(change) do redis.call('HSET', room, field, value) end
return { 'CHANGED' }
