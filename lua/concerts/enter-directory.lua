#!lua
-- Enters a concert in the directory of this installation; safe to repeat.
-- KEYS[1] concerts    zset  concert id by time of its first import in ms
-- ARGV[1] concert_id
-- Reply   ENTERED
-- @include now_ms

redis.call('ZADD', KEYS[1], 'NX', now_ms(), ARGV[1])
return { 'ENTERED' }
