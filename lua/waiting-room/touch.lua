#!lua flags=allow-oom
-- Tells whether a place is ACTIVE now, and claims it where it was not yet: its session starts, and ends at the later of
-- the session and the user's last live hold.
-- KEYS[1] room     hash   settings, counters
-- KEYS[2] places   hash   queue id -> packed record
-- KEYS[3] waiting  zset   queue id by sequence
-- KEYS[4] active   zset   queue id by deadline in ms
-- KEYS[5] members  hash   user -> queue id
-- KEYS[6] ended    zset   queue id by time of end
-- KEYS[7] left     zset   sequences that ended while waiting
-- KEYS[8] log      stream numbered changes
-- KEYS[9] base     prefix of the concert's keys
-- ARGV[1] queue_id
-- DERIVED live
-- Reply   ACTIVE packed now_ms | NOT_ACTIVE packed now_ms | NONE
-- @include now_ms
-- @include derived
-- @include place
-- @include log_change
-- @include end_place
-- @include settle_place
-- @include live_until

local k = { room = KEYS[1], places = KEYS[2], waiting = KEYS[3], active = KEYS[4], members = KEYS[5], ended = KEYS[6],
  left = KEYS[7], log = KEYS[8], base = KEYS[9] }
local queue_id = ARGV[1]

local now = now_ms()
local p = place_read(k.places, queue_id)
if not p then return { 'NONE' } end
if p.status ~= 'A' then return { 'NOT_ACTIVE', place_pack(p), now } end
if p.deadline <= now then
  settle_place(k, queue_id, p, 0, now)
  return { 'NOT_ACTIVE', place_pack(p), now }
end
if p.session_end == 0 then
  p.session_end = now + tonumber(redis.call('HGET', k.room, 'session_ms'))
  settle_place(k, queue_id, p, (live_until(live_key(k.base, p.user), now)), now)
end
return { 'ACTIVE', place_pack(p), now }
