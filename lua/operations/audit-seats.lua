#!lua flags=no-writes
-- A slice of a schedule's taken seats, and the reservations that they name, for the audit.
-- KEYS[1] base    -       prefix of the concert
-- KEYS[2] seats   hash    seat id -> reservation id, of the schedule
-- KEYS[3] outbox  stream  payments not yet in PostgreSQL
-- ARGV[1] cursor  of HSCAN
-- ARGV[2] count   seats, about
-- DERIVED reservation, seats, status
-- Reply   SEATS next_cursor reservations
--   reservations: reservation_id and the ten of audit_payment, of each in turn
-- @include derived
-- @include audit_payment
local base, seats, outbox = KEYS[1], KEYS[2], KEYS[3]
local cursor, count = ARGV[1], ARGV[2]

local next_cursor, slice = unpack(redis.call('HSCAN', seats, cursor, 'COUNT', count))
local seen, reservations = {}, {}
for i = 2, #slice, 2 do
  local reservation_id = slice[i]
  if not seen[reservation_id] then
    seen[reservation_id] = true
    reservations[#reservations + 1] = reservation_id
    for _, value in ipairs(audit_payment(base, outbox, reservation_id)) do reservations[#reservations + 1] = value end
  end
end
return { 'SEATS', next_cursor, reservations }
