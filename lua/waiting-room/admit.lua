#!lua flags=allow-oom
-- Ends places whose deadline has passed and lets in those in front, as far as capacity and rate allow: at most 500 of
-- each (10,000 deadlines in one go block 189 ms), to be called again while `more`. Opens a CLOSED room whose time has
-- come. Writes nothing where there is nothing to do.
-- KEYS[1] room     hash   settings, counters, token bucket, lease
-- KEYS[2] places   hash   queue id -> packed record
-- KEYS[3] waiting  zset   queue id by sequence
-- KEYS[4] active   zset   queue id by deadline in ms
-- KEYS[5] members  hash   user -> queue id
-- KEYS[6] ended    zset   queue id by time of end
-- KEYS[7] left     zset   sequences that ended while waiting
-- KEYS[8] log      stream numbered changes
-- KEYS[9] base     prefix of the concert's keys
-- ARGV[1] worker   whose lease; economy, not correctness: two workers that admit at once do no harm
-- ARGV[2] lease_ms
-- DERIVED live
-- Reply   ADMITTED admitted ended more waiting active wait_ms... | LEASED | NONE
-- @include now_ms
-- @include derived
-- @include place
-- @include log_change
-- @include end_place
-- @include settle_place
-- @include active_place
-- @include live_until
-- @include room_state
-- @include admission_rate

local k = { room = KEYS[1], places = KEYS[2], waiting = KEYS[3], active = KEYS[4], members = KEYS[5], ended = KEYS[6],
  left = KEYS[7], log = KEYS[8], base = KEYS[9] }
local worker, lease_ms = ARGV[1], tonumber(ARGV[2])
local A_CALL, TRIM_A_CALL = 500, 5000

local r = redis.call('HMGET', k.room, 'state', 'capacity', 'admit_per_second', 'session_ms', 'claim_ms', 'frontier',
  'tokens', 'tokens_at', 'lease_by', 'lease_until')
local written_state, lease_by, lease_until = r[1], r[9], tonumber(r[10] or 0)
if not written_state then return { 'NONE' } end
local capacity, per_second, session_ms, claim_ms = tonumber(r[2]), tonumber(r[3]), tonumber(r[4]), tonumber(r[5])
local now = now_ms()
-- A lease that ends later than one made now would is of a clock that has gone back since: it binds nobody.
if lease_by and lease_by ~= worker and lease_until > now and lease_until <= now + lease_ms then return { 'LEASED' } end
local state = room_state(k.room, now)

-- The bucket holds thousandths of an admission, one second's worth at most. A clock that went back adds nothing, and
-- its new time is written at once: an empty bucket would wait until the clock is where it was.
local tokens, went_back = per_second * 1000, r[8] and tonumber(r[8]) > now
if r[7] then tokens = math.min(tokens, tonumber(r[7]) + math.max(0, now - tonumber(r[8])) * per_second) end
if went_back then redis.call('HSET', k.room, 'tokens', tokens, 'tokens_at', now) end
local function count_active() return redis.call('ZCOUNT', k.active, '(' .. now, '+inf') end
local active = count_active()
local take = state == 'OPEN' and math.min(capacity - active, math.floor(tokens / 1000), A_CALL) or 0
local passed = redis.call('ZRANGEBYSCORE', k.active, '-inf', now, 'LIMIT', 0, A_CALL)
local entering = take > 0 and redis.call('ZRANGE', k.waiting, 0, take - 1, 'WITHSCORES') or {}
local taken = #entering / 2
local frontier = taken > 0 and tonumber(entering[#entering]) or tonumber(r[6] or 0)
local stale = math.min(redis.call('ZCOUNT', k.left, '-inf', frontier), TRIM_A_CALL)
if state == written_state and #passed + taken + stale == 0 then
  return { 'ADMITTED', 0, 0, 0, redis.call('ZCARD', k.waiting), active }
end

redis.call('HSET', k.room, 'lease_by', worker, 'lease_until', now + lease_ms)
if state ~= written_state then redis.call('HSET', k.room, 'state', state, 'opens_at', '') end

for _, queue_id in ipairs(passed) do
  local p = place_read(k.places, queue_id)
  if p then settle_place(k, queue_id, p, 0, now) else redis.call('ZREM', k.active, queue_id) end
end

-- WAITING -> ACTIVE. Where the user has an older ACTIVE place (`supersede`), the newer takes over from it as claimed.
local superseded = 0
local function enter(queue_id, p)
  local older_id, older = active_place(k, p.user, now)
  p.status, p.deadline = 'A', now + claim_ms
  if older then
    end_place(k, older_id, older, 'E', 'SUPERSEDED', now)
    superseded = superseded + 1
    p.session_end = now + session_ms
    p.deadline = math.max(p.session_end, (live_until(live_key(k.base, p.user), now)))
  end
  place_write(k.places, queue_id, p)
  redis.call('ZADD', k.active, p.deadline, queue_id)
  if redis.call('HGET', k.members, 'w:' .. p.user) == queue_id then redis.call('HDEL', k.members, 'w:' .. p.user) end
  redis.call('HSET', k.members, 'a:' .. p.user, queue_id)
end

local waits, queue_ids = {}, {}
for i = 1, #entering, 2 do
  local p = place_read(k.places, entering[i])
  if p then
    enter(entering[i], p)
    queue_ids[#queue_ids + 1], waits[#waits + 1] = entering[i], now - p.joined
  end
end
if taken > 0 then
  redis.call('ZREMRANGEBYRANK', k.waiting, 0, taken - 1)
  redis.call('HSET', k.room, 'frontier', frontier, 'tokens', tokens - taken * 1000, 'tokens_at', now)
  redis.call('HINCRBY', k.room, 'admitted', #queue_ids)
  rate_note(k.room, #queue_ids, now)
  log_change(k.log, k.room, 'k', 'A', 'q', table.concat(queue_ids, ' '))
end
if stale > 0 then redis.call('ZREMRANGEBYRANK', k.left, 0, stale - 1) end
local more = (#passed == A_CALL or taken == A_CALL or stale == TRIM_A_CALL or superseded > 0) and 1 or 0
return { 'ADMITTED', #queue_ids, #passed, more, redis.call('ZCARD', k.waiting), count_active(), unpack(waits) }
