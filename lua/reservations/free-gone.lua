#!lua flags=allow-oom
-- Frees seats of a schedule that name a reservation whose record is gone: every sweeper was away for 12 h.
-- KEYS[1] base      -       prefix of the concert
-- KEYS[2] stock     hash    seat versions, free seats
-- KEYS[3] seats     hash    seat id -> reservation id, of the schedule
-- KEYS[4] status    string  status bytes of the schedule
-- KEYS[5] seat_log  stream  numbered seat changes of the schedule
-- ARGV[1] schedule_id
-- ARGV[2..] seat_id index reservation_id
-- DERIVED reservation
-- Reply   FREED seats
-- @include derived
-- @include mark_seats

local base, stock, seats, status, seat_log = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local schedule_id, FIXED, GROUP = ARGV[1], 1, 3

local freed = {}
for i = FIXED + 1, #ARGV, GROUP do
  local seat, index, reservation_id = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  local named = redis.call('HGET', seats, seat) == reservation_id
  local gone = named and redis.call('EXISTS', reservation_key(base, reservation_id)) == 0
  -- A sold seat is never free, whatever became of its record.
  if gone and redis.call('GETRANGE', status, index, index) == 'H' then
    redis.call('HDEL', seats, seat)
    freed[#freed + 1] = index
  end
end
if #freed > 0 then mark_seats(status, seat_log, stock, schedule_id, table.concat(freed, ','), 'A', #freed) end
return { 'FREED', #freed }
