#!lua
-- Puts a wallet that was lost with its Redis back as its entries in PostgreSQL tell it: all of them recorded, the last
-- ones in its history, nothing set aside. Safe to repeat.
-- KEYS[1] wallet   hash  money and entry numbers of the user
-- KEYS[2] history  list  packed entries
-- KEYS[3] users    set   users with a wallet in this partition
-- ARGV[1] user_id
-- ARGV[2] available
-- ARGV[3] charged
-- ARGV[4] posted
-- ARGV[5] entries      number of the last one
-- ARGV[6] first        number of the first one that is kept in the history
-- ARGV[7..] packed_entry
-- Reply   REBUILT | ALREADY
-- @include now_ms
local wallet, history, users = KEYS[1], KEYS[2], KEYS[3]
local user_id, available, charged, posted, entries, first = unpack(ARGV)

if redis.call('EXISTS', wallet) == 1 then return { 'ALREADY' } end

redis.call('SADD', users, user_id)
redis.call('RPUSH', history, unpack(ARGV, 7))
redis.call('HSET', wallet, 'available', available, 'pending', '0', 'charged', charged, 'posted', posted,
  'entries', entries, 'first', first, 'recorded', entries, 'created', now_ms())
return { 'REBUILT' }
