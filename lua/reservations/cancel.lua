#!lua flags=allow-oom
-- Cancels a live hold: its seats are free at once. Cancelling what is cancelled already answers the same again.
-- KEYS[1] base         -       prefix of the concert
-- KEYS[2] room         hash    counters
-- KEYS[3] places       hash    packed places
-- KEYS[4] waiting      zset    queue id by sequence
-- KEYS[5] active       zset    queue id by deadline
-- KEYS[6] members      hash    user -> queue id
-- KEYS[7] ended        zset    over places
-- KEYS[8] left         zset    sequences that ended while waiting
-- KEYS[9] log          stream  changes of places and reservations
-- KEYS[10] stock       hash    seat versions, free seats
-- KEYS[11] holds       zset    reservation id of a live hold by deadline
-- KEYS[12] reservation hash    its record
-- ARGV[1] user_id
-- ARGV[2] reservation_id
-- DERIVED seats, status, seat_log, live
-- Reply   CANCELLED seat_version now_ms record | PAID | EXPIRED deadline_ms | NONE
-- seat_version is 0 where nothing was changed; the record is nested: field, value ...
-- @include now_ms
-- @include derived
-- @include place
-- @include log_change
-- @include end_place
-- @include settle_place
-- @include active_place
-- @include live_until
-- @include settle_user
-- @include mark_seats
-- @include reservation_read
-- @include release_hold

local k = { base = KEYS[1], room = KEYS[2], places = KEYS[3], waiting = KEYS[4], active = KEYS[5], members = KEYS[6],
  ended = KEYS[7], left = KEYS[8], log = KEYS[9], stock = KEYS[10], holds = KEYS[11] }
local reservation, user_id, reservation_id = KEYS[12], ARGV[1], ARGV[2]

local now = now_ms()
local r = reservation_read(reservation)
if not r or r.user ~= user_id then return { 'NONE' } end
if r.status == 'CONFIRMED' then return { 'PAID' } end
if r.status == 'CANCELLED' then return { 'CANCELLED', 0, now, redis.call('HGETALL', reservation) } end
if r.status ~= 'HELD' or tonumber(r.deadline) <= now then return { 'EXPIRED', r.deadline } end

release_hold(k, reservation_id, r, 'CANCELLED', now)
settle_user(k, user_id, now)
return { 'CANCELLED', redis.call('HGET', k.stock, 'v:' .. r.schedule), now, redis.call('HGETALL', reservation) }
