#!lua flags=allow-oom
-- Gives a place back: LEFT by its user, REMOVED by an operator. With an ACTIVE one the user's live holds in this
-- concert are given back too; with a WAITING one nothing but the place. An over place stays as it is.
-- KEYS[1] room     hash   settings, counters
-- KEYS[2] places   hash   queue id -> packed record
-- KEYS[3] waiting  zset   queue id by sequence
-- KEYS[4] active   zset   queue id by deadline in ms
-- KEYS[5] members  hash   user -> queue id
-- KEYS[6] ended    zset   queue id by time of end
-- KEYS[7] left     zset   sequences that ended while waiting
-- KEYS[8] log      stream numbered changes
-- KEYS[9] holds    zset   reservation id by deadline in ms
-- KEYS[10] stock   hash   seat versions and free counts
-- KEYS[11] base    prefix of the concert's keys
-- ARGV[1] queue_id
-- ARGV[2] reason
-- DERIVED live, reservation, seats, status, seat_log
-- Reply   LEFT packed now_ms | OVER packed now_ms | NONE
-- @include now_ms
-- @include derived
-- @include place
-- @include log_change
-- @include end_place
-- @include settle_place
-- @include reservation_read
-- @include mark_seats
-- @include release_hold

local k = { room = KEYS[1], places = KEYS[2], waiting = KEYS[3], active = KEYS[4], members = KEYS[5], ended = KEYS[6],
  left = KEYS[7], log = KEYS[8], holds = KEYS[9], stock = KEYS[10], base = KEYS[11] }
local queue_id, reason = ARGV[1], ARGV[2]

local now = now_ms()
local p = place_read(k.places, queue_id)
if not p then return { 'NONE' } end
if p.status == 'A' and p.deadline <= now then settle_place(k, queue_id, p, 0, now) end
if p.status ~= 'A' and p.status ~= 'W' then return { 'OVER', place_pack(p), now } end

if p.status == 'A' then
  for _, member in ipairs(redis.call('ZRANGEBYSCORE', live_key(k.base, p.user), '(' .. now, '+inf')) do
    local reservation_id = member:match('^%d+ (.*)$')
    local r = reservation_read(reservation_key(k.base, reservation_id))
    if r and r.status == 'HELD' then release_hold(k, reservation_id, r, 'CANCELLED', now) end
  end
end
end_place(k, queue_id, p, 'L', reason, now)
return { 'LEFT', place_pack(p), now }
