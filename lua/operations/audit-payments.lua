#!lua flags=no-writes
-- Reservations of a concert by their ids, for the audit.
-- KEYS[1] base    -       prefix of the concert
-- KEYS[2] outbox  stream  payments not yet in PostgreSQL
-- ARGV[1..] reservation_id
-- DERIVED reservation, seats, status
-- Reply   PAYMENTS reservations
--   reservations: reservation_id and the ten of audit_payment, of each in turn
-- @include derived
-- @include audit_payment
local base, outbox = KEYS[1], KEYS[2]

local reservations = {}
for _, reservation_id in ipairs(ARGV) do
  reservations[#reservations + 1] = reservation_id
  for _, value in ipairs(audit_payment(base, outbox, reservation_id)) do reservations[#reservations + 1] = value end
end
return { 'PAYMENTS', reservations }
