#!lua
-- Puts a payment that PostgreSQL has back into a concert that was lost with its Redis, as `confirm` and `settle` had
-- left it. Times of the hold are not in PostgreSQL: that of the payment stands for them. Safe to repeat.
-- KEYS[1] stock        hash    seat versions, free seats, sold, revenue
-- KEYS[2] bought       hash    user -> seats bought
-- KEYS[3] paid_by      zset    the user's paid reservations by creation
-- KEYS[4] reservation  hash    record of the reservation
-- KEYS[5] seats        hash    seat id -> reservation id, of the schedule
-- KEYS[6] status       string  status bytes of the schedule
-- KEYS[7] seat_log     stream  numbered seat changes of the schedule
-- ARGV[1] reservation_id
-- ARGV[2] user_id
-- ARGV[3] schedule_id
-- ARGV[4] seat_ids     comma separated, as are the next two
-- ARGV[5] indexes
-- ARGV[6] prices
-- ARGV[7] count        of the seats
-- ARGV[8] amount
-- ARGV[9] currency
-- ARGV[10] balance     of the wallet after the payment
-- ARGV[11] transfer_id
-- ARGV[12] paid_at     ms
-- ARGV[13] recorded_at ms
-- Reply   REBUILT | ALREADY | TAKEN seat_id
-- @include mark_seats
local stock, bought, paid_by, reservation, seats, status, seat_log =
  KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7]
local reservation_id, user_id, schedule_id, seat_ids, indexes, prices, count, amount, currency, balance, transfer_id,
  paid_at, recorded_at = unpack(ARGV)

if redis.call('EXISTS', reservation) == 1 then return { 'ALREADY' } end
local taken, next_index = {}, indexes:gmatch('%d+')
for seat in seat_ids:gmatch('[^,]+') do
  local index = next_index()
  if redis.call('GETRANGE', status, index, index) ~= 'A' then return { 'TAKEN', seat } end
  taken[#taken + 1] = seat
  taken[#taken + 1] = reservation_id
end

redis.call('HSET', seats, unpack(taken))
mark_seats(status, seat_log, stock, schedule_id, indexes, 'S', -tonumber(count))
redis.call('HINCRBY', stock, 'sold', count)
redis.call('HINCRBY', stock, 'revenue', amount)
redis.call('HINCRBY', bought, user_id, count)
redis.call('ZADD', paid_by, paid_at, reservation_id)
redis.call('HSET', reservation, 'user', user_id, 'schedule', schedule_id, 'seats', seat_ids, 'indexes', indexes,
  'prices', prices, 'count', count, 'amount', amount, 'currency', currency, 'status', 'CONFIRMED', 'created', paid_at,
  'deadline', paid_at, 'ended', '0', 'transfer', transfer_id, 'balance', balance, 'paid_at', paid_at,
  'recorded_at', recorded_at)
return { 'REBUILT' }
