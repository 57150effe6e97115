#!lua flags=no-writes
-- PENDING transfers whose deadline has passed: their callers are gone, the sweeper finds out what became of them.
-- KEYS[1] base     -     prefix of the partition
-- KEYS[2] pending  zset  `<reservation id> <user id>` by deadline
-- ARGV[1] limit
-- DERIVED transfer
-- Reply   TRANSFERS member transfer_id ...
-- @include now_ms
-- @include transfer_key
local base, pending, limit = KEYS[1], KEYS[2], tonumber(ARGV[1])

local reply = { 'TRANSFERS' }
for _, member in ipairs(redis.call('ZRANGEBYSCORE', pending, '-inf', now_ms(), 'LIMIT', 0, limit)) do
  reply[#reply + 1] = member
  reply[#reply + 1] = redis.call('HGET', transfer_key(base, member), 'id') or ''
end
return reply
