#!lua flags=no-writes
-- Records of some places of one room, and the time to judge them by.
-- KEYS[1] places  hash  queue id -> packed record
-- ARGV[1..] queue_id
-- Reply   PLACES now_ms packed...
-- `packed` is '' where there is no such place.
-- @include now_ms

local places = KEYS[1]
local reply = { 'PLACES', now_ms() }
for i = 1, #ARGV do reply[#reply + 1] = redis.call('HGET', places, ARGV[i]) or '' end
return reply
