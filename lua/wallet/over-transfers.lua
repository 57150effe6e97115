#!lua flags=no-writes
-- Transfers that ended so long ago that they may be forgotten, with their state.
-- KEYS[1] base  -     prefix of the partition
-- KEYS[2] over  zset  `<reservation id> <user id>` by the time it may be forgotten
-- ARGV[1] limit
-- DERIVED transfer
-- Reply   TRANSFERS member transfer_id state ...
-- @include now_ms
-- @include transfer_key
local base, over, limit = KEYS[1], KEYS[2], tonumber(ARGV[1])

local reply = { 'TRANSFERS' }
for _, member in ipairs(redis.call('ZRANGEBYSCORE', over, '-inf', now_ms(), 'LIMIT', 0, limit)) do
  local id, state = unpack(redis.call('HMGET', transfer_key(base, member), 'id', 'state'))
  for _, element in ipairs({ member, id or '', state or '' }) do reply[#reply + 1] = element end
end
return reply
