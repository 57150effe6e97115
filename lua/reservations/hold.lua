#!lua
-- Gives seats of one schedule to a user for a limited time: all of them or none. A seat whose reservation is past its
-- deadline is free, whether or not a sweeper has been there: it is taken over, and the old reservation ends.
-- KEYS[1] base         -       prefix of the concert
-- KEYS[2] room         hash    epoch, session_ms, counters
-- KEYS[3] places       hash    packed places
-- KEYS[4] waiting      zset    queue id by sequence
-- KEYS[5] active       zset    queue id by deadline
-- KEYS[6] members      hash    user -> queue id
-- KEYS[7] ended        zset    over places
-- KEYS[8] left         zset    sequences that ended while waiting
-- KEYS[9] log          stream  changes of places and reservations
-- KEYS[10] stock       hash    seat versions, free seats
-- KEYS[11] holds       zset    reservation id of a live hold by deadline
-- KEYS[12] catalogue   hash    its revision
-- KEYS[13] bought      hash    user -> seats bought
-- KEYS[14] seats       hash    seat id -> reservation id, of the schedule
-- KEYS[15] status      string  status bytes of the schedule
-- KEYS[16] seat_log    stream  numbered seat changes of the schedule
-- KEYS[17] reservation hash    the new record
-- KEYS[18] live        zset    `<seat count> <reservation id>` of the user's live holds by deadline
-- KEYS[19] owned_by    zset    the user's unpaid reservations by creation
-- KEYS[20] idempotency string  first success for the caller's key
-- ARGV[1] queue_id
-- ARGV[2] epoch
-- ARGV[3] user_id
-- ARGV[4] reservation_id
-- ARGV[5] schedule_id
-- ARGV[6] revision     of the catalogue that the rest was read from
-- ARGV[7] missing      1 where that catalogue lacks the schedule or a seat
-- ARGV[8] seat_ids     comma separated, as are the next two
-- ARGV[9] indexes
-- ARGV[10] prices
-- ARGV[11] amount
-- ARGV[12] currency
-- ARGV[13] hold_ms
-- ARGV[14] seat_limit  seats a person, over live holds and purchases
-- ARGV[15] fingerprint
-- DERIVED reservation, seats, status, seat_log, live
-- Reply   HELD reservation_id created_ms deadline_ms seat_version seat_ids prices amount
--   | TAKEN own_reservation_id seat_id... | LIMIT held bought | MISSING | STALE | SESSION_OVER deadline_ms
--   | NOT_ACTIVE status sequence | REPEAT first_reply... | MISMATCH
-- @include now_ms
-- @include derived
-- @include place
-- @include own_place
-- @include log_change
-- @include end_place
-- @include settle_place
-- @include active_place
-- @include live_until
-- @include settle_user
-- @include mark_seats
-- @include reservation_read
-- @include release_hold
-- @include repeat_of

local KEPT_MS = 12 * 3600 * 1000
-- By then every record made now is gone: the longest hold is an hour. A hold makes one entry; one in sixteen trims at
-- most so many.
local OWNED_MS, TRIM_MAX, TIDY_EVERY = KEPT_MS + 3600 * 1000, 100, 16
local k = { base = KEYS[1], room = KEYS[2], places = KEYS[3], waiting = KEYS[4], active = KEYS[5], members = KEYS[6],
  ended = KEYS[7], left = KEYS[8], log = KEYS[9], stock = KEYS[10], holds = KEYS[11] }
local catalogue, bought, seats, status, seat_log, reservation, live, owned_by, idempotency =
  KEYS[12], KEYS[13], KEYS[14], KEYS[15], KEYS[16], KEYS[17], KEYS[18], KEYS[19], KEYS[20]
local queue_id, epoch, user_id, reservation_id, schedule_id, revision, missing, seat_ids, indexes, prices, amount,
  currency, hold_ms, seat_limit, fingerprint = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7] == '1',
  ARGV[8], ARGV[9], ARGV[10], ARGV[11], ARGV[12], tonumber(ARGV[13]), tonumber(ARGV[14]), ARGV[15]

local now = now_ms()
local first = repeat_of(idempotency, fingerprint)
if first then return first end
local p, letter, sequence = own_place(k.room, k.places, queue_id, epoch, user_id, now)
if not p then return { 'NOT_ACTIVE', letter, sequence } end
local last_hold, held = live_until(live, now)
if p.session_end == 0 then -- any guarded call claims the place, also one that is refused below
  p.session_end = now + tonumber(redis.call('HGET', k.room, 'session_ms'))
  settle_place(k, queue_id, p, last_hold, now)
end
if p.paid == 1 or p.session_end <= now then return { 'SESSION_OVER', p.deadline } end
if redis.call('HGET', catalogue, 'revision') ~= revision then return { 'STALE' } end
if missing then return { 'MISSING' } end

local ids, lost, own, passed, seen, gone = {}, {}, nil, {}, {}, 0
for seat in seat_ids:gmatch('[^,]+') do ids[#ids + 1] = seat end
local holders, next_index = redis.call('HMGET', seats, unpack(ids)), indexes:gmatch('%d+')
for i, seat in ipairs(ids) do
  local index, holder = next_index(), holders[i]
  local key = holder and reservation_key(k.base, holder)
  local standing, until_ms, user = unpack(holder and redis.call('HMGET', key, 'status', 'deadline', 'user') or {})
  if standing == 'CONFIRMED' or standing == 'HELD' and tonumber(until_ms) > now then
    lost[#lost + 1] = seat
    local mine = standing == 'HELD' and user == user_id and holder or ''
    own = (own == nil or own == mine) and mine or ''
  elseif standing == 'HELD' then
    if not seen[holder] then passed[#passed + 1] = { holder, reservation_read(key) } end
    seen[holder] = true
  elseif holder then
    -- Its record is gone: 12 h past its deadline. A sold seat keeps its record; one without is still not for sale.
    if redis.call('GETRANGE', status, index, index) == 'S' then lost[#lost + 1], own = seat, '' end
    gone = gone + 1
  end
end
if #lost > 0 then return { 'TAKEN', own, unpack(lost) } end
local count, already = #ids, tonumber(redis.call('HGET', bought, user_id) or '0')
if held + already + count > seat_limit then return { 'LIMIT', held, already } end

for _, old in ipairs(passed) do
  release_hold(k, old[1], old[2], 'EXPIRED', now)
  if old[2].user ~= user_id then settle_user(k, old[2].user, now) end
end
local deadline = now + hold_ms
local created_text, deadline_text = tostring(now), tostring(deadline) -- 0.35 us for each time that Redis has to do it
local taken = {}
for i, seat in ipairs(ids) do taken[2 * i - 1], taken[2 * i] = seat, reservation_id end
redis.call('HSET', seats, unpack(taken))
local version = mark_seats(status, seat_log, k.stock, schedule_id, indexes, 'H', gone - count)
redis.call('HSET', reservation, 'user', user_id, 'schedule', schedule_id, 'seats', seat_ids, 'indexes', indexes,
  'prices', prices, 'count', count, 'amount', amount, 'currency', currency, 'status', 'HELD', 'created', created_text,
  'deadline', deadline_text, 'ended', '0')
redis.call('PEXPIREAT', reservation, deadline + KEPT_MS)
redis.call('ZADD', k.holds, deadline_text, reservation_id)
redis.call('ZADD', live, deadline_text, count .. ' ' .. reservation_id)
if version % TIDY_EVERY == 0 then -- those whose records are gone; looking at every hold takes 3 us of 60
  redis.call('ZREMRANGEBYSCORE', live, '-inf', now - KEPT_MS)
  local gone_by_now = redis.call('ZCOUNT', owned_by, '-inf', now - OWNED_MS)
  if gone_by_now > 0 then redis.call('ZREMRANGEBYRANK', owned_by, 0, math.min(gone_by_now, TRIM_MAX) - 1) end
end
redis.call('ZADD', owned_by, created_text, reservation_id)
redis.call('PEXPIREAT', owned_by, now + OWNED_MS)
log_change(k.log, k.room, 'k', 'R', 'r', reservation_id, 'u', user_id)
settle_place(k, queue_id, p, math.max(last_hold, deadline), now)
local reply = { 'HELD', reservation_id, now, deadline, version, seat_ids, prices, amount }
repeat_store(idempotency, fingerprint, reply)
return reply
