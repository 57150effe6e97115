#!lua flags=no-writes
-- A slice of a partition's transfers, for the audit.
-- KEYS[1] base       -     prefix of the partition
-- KEYS[2] transfers  zset  `pending` or `over`: `<reservation id> <user id>` by a time
-- ARGV[1] cursor  of ZSCAN
-- ARGV[2] count   transfers, about
-- DERIVED transfer
-- Reply   TRANSFERS now_ms next_cursor transfers
--   transfers, of each in turn: member, and its record's id, state, amount and deadline, '' where there is none. The
--   score is no deadline: the sweeper moves it, and would hide from the audit what cannot be settled
-- @include now_ms
-- @include transfer_key
local base, transfers = KEYS[1], KEYS[2]
local cursor, count = ARGV[1], ARGV[2]

local next_cursor, slice = unpack(redis.call('ZSCAN', transfers, cursor, 'COUNT', count))
local rows = {}
for i = 1, #slice, 2 do
  local record = redis.call('HMGET', transfer_key(base, slice[i]), 'id', 'state', 'amount', 'deadline')
  rows[#rows + 1] = slice[i]
  for f = 1, 4 do rows[#rows + 1] = record[f] or '' end
end
return { 'TRANSFERS', now_ms(), next_cursor, rows }
