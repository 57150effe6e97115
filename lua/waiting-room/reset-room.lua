#!lua flags=allow-oom
-- After loss of data: a new epoch, in which nobody has a place. Holds, purchases, settings and the numbering of the log
-- stay. UNLINK, since a room may hold a million places.
-- KEYS[1] room     hash   settings, counters, epoch
-- KEYS[2] places   hash   queue id -> packed record
-- KEYS[3] waiting  zset   queue id by sequence
-- KEYS[4] active   zset   queue id by deadline in ms
-- KEYS[5] members  hash   user -> queue id
-- KEYS[6] ended    zset   queue id by time of end
-- KEYS[7] left     zset   sequences that ended while waiting
-- ARGV[1] epoch
-- ARGV[2] by       names the operator's Idempotency-Key, '' where there is none: the last one resets once
-- Reply   RESET | NONE

local room, places, waiting, active, members, ended, left =
  KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7]
local epoch, by = ARGV[1], ARGV[2]

if redis.call('EXISTS', room) == 0 then return { 'NONE' } end
if by ~= '' and redis.call('HGET', room, 'reset_by') == by then return { 'RESET' } end
redis.call('UNLINK', places, waiting, active, members, ended, left)
redis.call('HSET', room, 'epoch', epoch, 'seq', 0, 'frontier', 0, 'admitted', 0, 'expired', 0, 'no_shows', 0,
  'left_count', 0, 'used', 0, 'reset_by', by)
redis.call('HDEL', room, 'tokens', 'tokens_at', 'rate_since', 'rate_0', 'rate_1', 'rate_2', 'rate_3', 'rate_4',
  'rate_5', 'rate_6', 'lease_by', 'lease_until')
return { 'RESET' }
