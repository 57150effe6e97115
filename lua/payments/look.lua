#!lua flags=no-writes
-- Step 0 of a payment: what there is to pay, before any money moves. A payment that exists already, and a repeat by
-- Idempotency-Key, are answered before the guard.
-- KEYS[1] room         hash    epoch
-- KEYS[2] places       hash    packed places
-- KEYS[3] reservation  hash    record of the reservation
-- KEYS[4] idempotency  string  first success for the caller's key
-- ARGV[1] user_id
-- ARGV[2] queue_id
-- ARGV[3] epoch
-- ARGV[4] fingerprint
-- Reply   PAYABLE amount | ALREADY payment... | NOT_ACTIVE status sequence | NOT_FOUND | CANCELLED
--   | EXPIRED deadline_ms | REPEAT first_reply... | MISMATCH
-- @include now_ms
-- @include place
-- @include own_place
-- @include reservation_read
-- @include payment_of
-- @include repeat_of
local room, places, reservation, idempotency = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local user_id, queue_id, epoch, fingerprint = ARGV[1], ARGV[2], ARGV[3], ARGV[4]

local seen = repeat_of(idempotency, fingerprint)
if seen then return seen end
local user, standing, deadline, amount =
  unpack(redis.call('HMGET', reservation, 'user', 'status', 'deadline', 'amount'))
local theirs = user == user_id
if theirs and standing == 'CONFIRMED' then return { 'ALREADY', payment_of(reservation_read(reservation)) } end

local now = now_ms()
local place, status, sequence = own_place(room, places, queue_id, epoch, user_id, now)
if not place then return { 'NOT_ACTIVE', status, sequence } end
if not theirs then return { 'NOT_FOUND' } end
if standing == 'CANCELLED' then return { 'CANCELLED' } end
if standing ~= 'HELD' or tonumber(deadline) <= now then return { 'EXPIRED', deadline } end
return { 'PAYABLE', amount }
