#!lua
-- Puts payments that PostgreSQL has back into a concert that was lost with its Redis, as `confirm` and `settle` had
-- left them. Times of the hold are not in PostgreSQL: that of the payment stands for them. Many in one call: Redis
-- syncs its file at every turn, and with one in a call waited for little else. Safe to repeat.
-- KEYS[1] stock     hash    seat versions, free seats, sold, revenue
-- KEYS[2] bought    hash    user -> seats bought
-- KEYS[3] seats     hash    seat id -> reservation id, of the schedule
-- KEYS[4] status    string  status bytes of the schedule
-- KEYS[5] seat_log  stream  numbered seat changes of the schedule
-- KEYS[6..] reservation paid_by  hash, zset  of each payment: the record, and the user's paid reservations by creation
-- ARGV[1] schedule_id
-- ARGV[2] currency
-- ARGV[3..] reservation_id user_id seat_ids indexes prices count amount balance transfer_id paid_at recorded_at
--   seat_ids, indexes, prices: comma separated; times in ms
-- Reply   REBUILT | TAKEN reservation_id seat_id
-- @include mark_seats
local stock, bought, seats, status, seat_log = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local schedule_id, currency = ARGV[1], ARGV[2]
local FIXED_KEYS, KEY_GROUP, FIXED, GROUP = 5, 2, 2, 11

local new, taken = {}, {}
for i = 1, (#ARGV - FIXED) / GROUP do
  local at = FIXED + (i - 1) * GROUP
  local reservation, paid_by = KEYS[FIXED_KEYS + (i - 1) * KEY_GROUP + 1], KEYS[FIXED_KEYS + i * KEY_GROUP]
  if redis.call('EXISTS', reservation) == 0 then -- else it was put back before
    local reservation_id, next_index = ARGV[at + 1], ARGV[at + 4]:gmatch('%d+')
    for seat in ARGV[at + 3]:gmatch('[^,]+') do
      local index = next_index()
      if redis.call('GETRANGE', status, index, index) ~= 'A' then return { 'TAKEN', reservation_id, seat } end
      taken[#taken + 1] = seat
      taken[#taken + 1] = reservation_id
    end
    new[#new + 1] = { reservation, paid_by, at }
  end
end

if #taken > 0 then redis.call('HSET', seats, unpack(taken)) end
for _, each in ipairs(new) do
  local reservation, paid_by, at = unpack(each)
  local reservation_id, user_id, seat_ids, indexes, prices, count, amount, balance, transfer_id, paid_at, recorded_at =
    unpack(ARGV, at + 1, at + GROUP)
  mark_seats(status, seat_log, stock, schedule_id, indexes, 'S', -tonumber(count))
  redis.call('HINCRBY', stock, 'sold', count)
  redis.call('HINCRBY', stock, 'revenue', amount)
  redis.call('HINCRBY', bought, user_id, count)
  redis.call('ZADD', paid_by, paid_at, reservation_id)
  redis.call('HSET', reservation, 'user', user_id, 'schedule', schedule_id, 'seats', seat_ids, 'indexes', indexes,
    'prices', prices, 'count', count, 'amount', amount, 'currency', currency, 'status', 'CONFIRMED', 'created', paid_at,
    'deadline', paid_at, 'ended', '0', 'transfer', transfer_id, 'balance', balance, 'paid_at', paid_at,
    'recorded_at', recorded_at)
end
return { 'REBUILT' }
