#!lua flags=no-writes
-- All that a process keeps in memory about a room, in one atomic answer: numbers, the numbered log after `since`, and
-- where asked a slice of `left`.
-- KEYS[1] room       hash   settings, counters, epoch
-- KEYS[2] waiting    zset   queue id by sequence
-- KEYS[3] active     zset   queue id by deadline in ms
-- KEYS[4] left       zset   sequences that ended while waiting
-- KEYS[5] log        stream numbered changes
-- KEYS[6] catalogue  hash   its revision
-- KEYS[7] stock      hash   seat versions, free counts, sold, revenue
-- ARGV[1] since      number of the last log entry known, -1 for a process that knows nothing yet
-- ARGV[2] log_max    log entries at most; the rest is for the next call
-- ARGV[3] left_after sequence after which a slice of `left` is wanted, -1 for none
-- ARGV[4] left_max   sequences at most
-- Reply   ROOM field... | NONE
-- The fields, in order: `fields` of src/waiting-room/read-room.script.ts, then stock (name, value ...), the slice, log
-- entries (id, field, value ...). With since = -1 the log counts from now; entries that do not go on from `since` tell
-- that it was trimmed past it.
-- @include now_ms
-- @include room_state
-- @include admission_rate

local room, waiting, active, left, log, catalogue, stock =
  KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7]
local since, log_max, left_after, left_max = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])

local values = redis.call('HMGET', room, 'epoch', 'opens_at', 'capacity', 'claim_ms', 'frontier', 'admitted', 'expired',
  'no_shows', 'left_count', 'used', 'log')
if not values[1] then return { 'NONE' } end
for i = 2, #values do values[i] = values[i] or (i == 2 and '' or '0') end
local now, number, frontier = now_ms(), tonumber(values[11]), tonumber(values[5])

local entries, slice = {}, {}
if since >= 0 and since < number then
  entries = redis.call('XRANGE', log, string.format('%.0f-0', since + 1), '+', 'COUNT', log_max)
end
if left_after >= 0 then
  local after = string.format('(%.0f', math.max(left_after, frontier))
  slice = redis.call('ZRANGEBYSCORE', left, after, '+inf', 'LIMIT', 0, left_max)
end
return { 'ROOM', now, room_state(room, now), rate_read(room, now), redis.call('ZCARD', waiting),
  redis.call('ZCOUNT', active, '(' .. now, '+inf'), redis.call('HGET', catalogue, 'revision') or '0',
  values[1], values[2], values[3], values[4], values[5], values[6], values[7], values[8], values[9], values[10],
  values[11], redis.call('HGETALL', stock), slice, entries }
