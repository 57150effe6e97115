#!lua flags=no-writes
-- The live places of one user in one room: ACTIVE first, then WAITING.
-- KEYS[1] room     hash  settings, counters, epoch
-- KEYS[2] places   hash  queue id -> packed record
-- KEYS[3] waiting  zset  queue id by sequence
-- KEYS[4] members  hash  user -> queue id
-- ARGV[1] user_id
-- Reply   ROOM row... | NONE
-- A row is a ticket_row, nested.
-- @include now_ms
-- @include place
-- @include room_state
-- @include admission_rate
-- @include ticket_row

local room, places, waiting, members = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local user_id = ARGV[1]

if redis.call('EXISTS', room) == 0 then return { 'NONE' } end
local now = now_ms()
local numbers = room_numbers(room, waiting, now)
local reply = { 'ROOM' }

local active_id = redis.call('HGET', members, 'a:' .. user_id)
local active = active_id and place_read(places, active_id)
if active and active.deadline > now then reply[#reply + 1] = ticket_row(numbers, active_id, active, 0) end

local waiting_id = redis.call('HGET', members, 'w:' .. user_id)
local rank = waiting_id and redis.call('ZRANK', waiting, waiting_id)
if rank then reply[#reply + 1] = ticket_row(numbers, waiting_id, place_read(places, waiting_id), rank + 1) end
return reply
