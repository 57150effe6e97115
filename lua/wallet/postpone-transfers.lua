#!lua flags=allow-oom
-- Puts transfers that could not be settled behind the others of their partition, for the sweeper's next looks. The zset
-- is only its agenda: post and void judge the transfer itself, which this leaves alone. A score never moves back, and
-- one that has ended meanwhile stays out.
-- KEYS[1] pending  zset  `<reservation id> <user id>` by deadline
-- ARGV[1] later_ms
-- ARGV[2..] member
-- Reply   POSTPONED count
-- @include now_ms
local pending, later_ms = KEYS[1], tonumber(ARGV[1])

local at, count = now_ms() + later_ms, 0
for i = 2, #ARGV do count = count + redis.call('ZADD', pending, 'XX', 'GT', 'CH', at, ARGV[i]) end
return { 'POSTPONED', count }
