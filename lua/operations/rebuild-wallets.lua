#!lua
-- Puts wallets of one partition that were lost with their Redis back as their entries in PostgreSQL tell them: all of
-- them recorded, the last ones in the history, nothing set aside. Safe to repeat.
-- KEYS[1] users  set  users with a wallet in this partition
-- KEYS[2..] wallet history  hash, list  of each user: money and entry numbers, packed entries
-- ARGV[1..] user_id available charged posted entries first kept
--   entries: number of the last one; first: of the first one that is kept; kept: JSON of the packed ones
-- Reply   REBUILT
-- @include now_ms
local users = KEYS[1]
local FIXED_KEYS, KEY_GROUP, GROUP = 1, 2, 7

local now = now_ms()
for i = 1, #ARGV / GROUP do
  local wallet, history = unpack(KEYS, FIXED_KEYS + (i - 1) * KEY_GROUP + 1, FIXED_KEYS + i * KEY_GROUP)
  local user_id, available, charged, posted, entries, first, kept = unpack(ARGV, (i - 1) * GROUP + 1, i * GROUP)
  if redis.call('EXISTS', wallet) == 0 then -- else it was put back before
    redis.call('SADD', users, user_id)
    redis.call('RPUSH', history, unpack(cjson.decode(kept)))
    redis.call('HSET', wallet, 'available', available, 'pending', '0', 'charged', charged, 'posted', posted,
      'entries', entries, 'first', first, 'recorded', entries, 'created', now)
  end
end
return { 'REBUILT' }
