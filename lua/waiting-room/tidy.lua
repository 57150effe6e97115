#!lua flags=allow-oom
-- Forgets places that ended some time ago, at most `max` of them; to be called again while that many are found.
-- KEYS[1] places  hash  queue id -> packed record
-- KEYS[2] ended   zset  queue id by time of end
-- ARGV[1] kept_ms
-- ARGV[2] max
-- Reply   TIDIED count
-- @include now_ms

local places, ended = KEYS[1], KEYS[2]
local kept_ms, max = tonumber(ARGV[1]), tonumber(ARGV[2])

local old = redis.call('ZRANGEBYSCORE', ended, '-inf', now_ms() - kept_ms, 'LIMIT', 0, max)
for _, queue_id in ipairs(old) do
  redis.call('HDEL', places, queue_id)
  redis.call('ZREM', ended, queue_id)
end
return { 'TIDIED', #old }
