#!lua flags=allow-oom
-- Asks for the truth about a transfer, for the sweeper: unless its payment is confirmed under this very id, the mark
-- is left, so that a confirm on its way is refused. Where the record is gone it was never confirmed, and never will be.
-- KEYS[1] reservation  hash  record of the reservation
-- ARGV[1] transfer_id
-- Reply   CONFIRMED | REFUSED
-- @include now_ms
local reservation, transfer_id = KEYS[1], ARGV[1]

local status, confirmed_by = unpack(redis.call('HMGET', reservation, 'status', 'transfer'))
if status == 'CONFIRMED' then return { confirmed_by == transfer_id and 'CONFIRMED' or 'REFUSED' } end
if status then redis.call('HSET', reservation, 'm:' .. transfer_id, now_ms()) end
return { 'REFUSED' }
