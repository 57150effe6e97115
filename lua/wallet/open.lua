#!lua
-- Opens an empty wallet, which is what makes a user exist. Safe to repeat.
-- KEYS[1] wallet  hash    available, pending, charged, posted; entries, first, recorded (entry numbers); created
-- KEYS[2] users   set     users with a wallet in this partition
-- ARGV[1] user_id
-- Reply   OPENED | EXISTS
-- @include now_ms
local wallet, users = KEYS[1], KEYS[2]
local user_id = ARGV[1]

if redis.call('EXISTS', wallet) == 1 then return { 'EXISTS' } end

redis.call('SADD', users, user_id)
redis.call('HSET', wallet, 'available', 0, 'pending', 0, 'charged', 0, 'posted', 0,
  'entries', 0, 'first', 1, 'recorded', 0, 'created', now_ms())
return { 'OPENED' }
