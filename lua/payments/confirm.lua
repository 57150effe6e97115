#!lua
-- Step 2 of a payment, its one commit point: the seats are sold for the money that this transfer has set aside.
-- Every refusal leaves a mark for the transfer id in the same script, so that "refused" stays true and a void is safe.
-- KEYS[1] base         -       prefix of the concert
-- KEYS[2] room         hash    epoch, session_ms, counters
-- KEYS[3] places       hash    packed places
-- KEYS[4] waiting      zset    queue id by sequence
-- KEYS[5] active       zset    queue id by deadline
-- KEYS[6] members      hash    user -> queue id
-- KEYS[7] ended        zset    over places
-- KEYS[8] left         zset    sequences that ended while waiting
-- KEYS[9] log          stream  changes of places and reservations
-- KEYS[10] stock       hash    seat versions, free seats, sold, revenue
-- KEYS[11] holds       zset    reservation id of a live hold by deadline
-- KEYS[12] live        zset    `<seat count> <reservation id>` of the user's live holds by deadline
-- KEYS[13] owned_by    zset    the user's unpaid reservations by creation
-- KEYS[14] paid_by     zset    the paid ones
-- KEYS[15] bought      hash    user -> seats bought
-- KEYS[16] outbox      stream  payments not yet in PostgreSQL
-- KEYS[17] reservation hash    record of the reservation
-- KEYS[18] idempotency string  first success for the caller's key
-- ARGV[1] user_id
-- ARGV[2] queue_id
-- ARGV[3] epoch
-- ARGV[4] concert_id
-- ARGV[5] reservation_id
-- ARGV[6] payment_id
-- ARGV[7] transfer_id
-- ARGV[8] balance      of the wallet after this payment
-- ARGV[9] fingerprint
-- DERIVED seats, status, seat_log
-- Reply   CONFIRMED payment... | ALREADY payment... | MARKED | NOT_ACTIVE status sequence | NOT_FOUND | CANCELLED
--   | EXPIRED deadline_ms | SEAT_LOST seat_id | REPEAT first_reply... | MISMATCH
-- @include now_ms
-- @include derived
-- @include place
-- @include own_place
-- @include log_change
-- @include end_place
-- @include settle_place
-- @include live_until
-- @include mark_seats
-- @include reservation_read
-- @include payment_of
-- @include repeat_of
-- @include append_outbox
local k = { base = KEYS[1], room = KEYS[2], places = KEYS[3], waiting = KEYS[4], active = KEYS[5], members = KEYS[6],
  ended = KEYS[7], left = KEYS[8], log = KEYS[9], stock = KEYS[10] }
local holds, live, owned_by, paid_by, bought = KEYS[11], KEYS[12], KEYS[13], KEYS[14], KEYS[15]
local outbox, reservation, idempotency = KEYS[16], KEYS[17], KEYS[18]
local user_id, queue_id, epoch, concert_id, reservation_id = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local payment_id, transfer_id, balance, fingerprint = ARGV[6], ARGV[7], ARGV[8], ARGV[9]

local now = now_ms()
local r = reservation_read(reservation)
local seen = repeat_of(idempotency, fingerprint)
-- The reservation first, whatever the place or the key: "refused" for a confirmed transfer would give a ticket away.
if r and r.status == 'CONFIRMED' then
  if seen and seen[1] == 'REPEAT' then return seen end
  return { 'ALREADY', payment_of(r) }
end
if r and r['m:' .. transfer_id] then return { 'MARKED' } end

local function refused(...)
  if r then redis.call('HSET', reservation, 'm:' .. transfer_id, now) end
  return { ... }
end
if seen then return refused('MISMATCH') end
local p, status, sequence = own_place(k.room, k.places, queue_id, epoch, user_id, now)
if not p then return refused('NOT_ACTIVE', status, sequence) end
if not r or r.user ~= user_id then return refused('NOT_FOUND') end
if r.status == 'CANCELLED' then return refused('CANCELLED') end
if r.status ~= 'HELD' or tonumber(r.deadline) <= now then return refused('EXPIRED', r.deadline) end
local ids = {}
for seat in r.seats:gmatch('[^,]+') do ids[#ids + 1] = seat end
for i, holder in ipairs(redis.call('HMGET', seats_key(k.base, r.schedule), unpack(ids))) do
  if holder ~= reservation_id then return refused('SEAT_LOST', ids[i]) end
end

local paid_at = tostring(now)
mark_seats(status_key(k.base, r.schedule), seat_log_key(k.base, r.schedule), k.stock, r.schedule, r.indexes, 'S', 0)
redis.call('HINCRBY', k.stock, 'sold', r.count)
redis.call('HINCRBY', k.stock, 'revenue', r.amount)
redis.call('HINCRBY', bought, user_id, r.count)
redis.call('ZREM', holds, reservation_id)
redis.call('ZREM', live, r.count .. ' ' .. reservation_id)
redis.call('ZREM', owned_by, reservation_id)
redis.call('ZADD', paid_by, r.created, reservation_id)
local entry = append_outbox(outbox, 'payment', 1, 'paymentId', payment_id, 'reservationId', reservation_id,
  'userId', user_id, 'concertId', concert_id, 'scheduleId', r.schedule, 'seats', r.seats, 'prices', r.prices,
  'amount', r.amount, 'currency', r.currency, 'balance', balance, 'transferId', transfer_id, 'paidAt', paid_at)
r.transfer, r.balance, r.paid_at = transfer_id, balance, paid_at
redis.call('HSET', reservation, 'status', 'CONFIRMED', 'transfer', transfer_id, 'balance', balance, 'paid_at', paid_at,
  'place', queue_id, 'outbox', entry)
redis.call('PERSIST', reservation)
if p.session_end == 0 then p.session_end = now + tonumber(redis.call('HGET', k.room, 'session_ms')) end
p.paid = 1
settle_place(k, queue_id, p, (live_until(live, now)), now)
log_change(k.log, k.room, 'k', 'R', 'r', reservation_id, 'u', user_id)
local reply = { 'CONFIRMED', payment_of(r) }
repeat_store(idempotency, fingerprint, reply)
return reply
