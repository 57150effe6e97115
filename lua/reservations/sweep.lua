#!lua flags=allow-oom
-- Ends holds past their deadline, the oldest first, and settles their users' places. It only tidies: whoever asks
-- about such a hold, or takes its seats, judges it by the clock already.
-- KEYS[1] base       -       prefix of the concert
-- KEYS[2] room       hash    counters
-- KEYS[3] places     hash    packed places
-- KEYS[4] waiting    zset    queue id by sequence
-- KEYS[5] active     zset    queue id by deadline
-- KEYS[6] members    hash    user -> queue id
-- KEYS[7] ended      zset    over places
-- KEYS[8] left       zset    sequences that ended while waiting
-- KEYS[9] log        stream  changes of places and reservations
-- KEYS[10] stock     hash    seat versions, free seats
-- KEYS[11] holds     zset    reservation id of a live hold by deadline
-- ARGV[1] limit      holds at most
-- DERIVED reservation, seats, status, seat_log, live
-- Reply   SWEPT ended looked lag_ms gone...
-- looked: how many were past their deadline, up to the limit; lag_ms: for how long the oldest of them was; gone: ids
-- whose record is gone, which only free-gone.lua can end, since nothing here tells their seats.
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
-- @include sweep_holds

local k = { base = KEYS[1], room = KEYS[2], places = KEYS[3], waiting = KEYS[4], active = KEYS[5], members = KEYS[6],
  ended = KEYS[7], left = KEYS[8], log = KEYS[9], stock = KEYS[10], holds = KEYS[11] }
local limit = tonumber(ARGV[1])

local ended, looked, lag, gone = sweep_holds(k, limit, now_ms())
return { 'SWEPT', ended, looked, lag, unpack(gone) }
