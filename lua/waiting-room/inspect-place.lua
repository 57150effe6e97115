#!lua flags=no-writes
-- One place as an operator sees it, with its user's live holds in this concert.
-- KEYS[1] room     hash  settings, counters, epoch
-- KEYS[2] places   hash  queue id -> packed record
-- KEYS[3] waiting  zset  queue id by sequence
-- KEYS[4] base     prefix of the concert's keys
-- ARGV[1] queue_id
-- DERIVED live
-- Reply   PLACE row holds | NONE
-- `row` is a ticket_row, nested; `holds` too: `<seat count> <reservation id>`, deadline in ms, and so on.
-- @include now_ms
-- @include derived
-- @include place
-- @include room_state
-- @include admission_rate
-- @include ticket_row

local room, places, waiting, base = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local queue_id = ARGV[1]

local p = place_read(places, queue_id)
if not p then return { 'NONE' } end
local now = now_ms()
local rank = redis.call('ZRANK', waiting, queue_id)
local holds = redis.call('ZRANGEBYSCORE', live_key(base, p.user), '(' .. now, '+inf', 'WITHSCORES')
return { 'PLACE', ticket_row(room_numbers(room, waiting, now), queue_id, p, rank and rank + 1 or 0), holds }
