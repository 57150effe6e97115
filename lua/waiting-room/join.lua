#!lua
-- Gives each joiner the next place of a concert's waiting room, unless one of theirs lives already. Many joiners in one
-- call, in their order, an answer each.
-- KEYS[1] room     hash   settings, counters, epoch
-- KEYS[2] places   hash   queue id -> packed record
-- KEYS[3] waiting  zset   queue id by sequence
-- KEYS[4] active   zset   queue id by deadline in ms
-- KEYS[5] members  hash   user -> queue id
-- KEYS[6] ended    zset   queue id by time of end
-- KEYS[7] left     zset   sequences that ended while waiting
-- KEYS[8] log      stream numbered changes
-- KEYS[9..] idempotency  string  of each joiner; any key of this slot where the fingerprint is ''
-- ARGV[1..] user_id queue_id fingerprint
-- Reply   ROOM answer... | NONE
-- An answer, nested: its word, then for JOINED (new) and EXISTS (a live place) a ticket_row, for CLOSED the state and
-- opens_at, for REPEAT the first answer (word and row); MISMATCH stands alone.
-- @include now_ms
-- @include place
-- @include log_change
-- @include end_place
-- @include settle_place
-- @include active_place
-- @include room_state
-- @include admission_rate
-- @include ticket_row
-- @include repeat_of

local k = { room = KEYS[1], places = KEYS[2], waiting = KEYS[3], active = KEYS[4], members = KEYS[5], ended = KEYS[6],
  left = KEYS[7], log = KEYS[8] }
local FIXED_KEYS, GROUP = 8, 3

local reentry, opens_at = unpack(redis.call('HMGET', k.room, 'reentry', 'opens_at'))
if not reentry then return { 'NONE' } end
local now = now_ms()
local numbers = room_numbers(k.room, k.waiting, now)

-- The place that keeps this user from another one: queue id, record and position.
local function live_place(user_id)
  local active_id, active = active_place(k, user_id, now)
  if active and reentry == 'reject' then return active_id, active, 0 end
  local waiting_id = redis.call('HGET', k.members, 'w:' .. user_id)
  local rank = waiting_id and redis.call('ZRANK', k.waiting, waiting_id)
  if rank then return waiting_id, place_read(k.places, waiting_id), rank + 1 end
end

local function join(idempotency, user_id, queue_id, fingerprint)
  local first = repeat_of(idempotency, fingerprint)
  if first then return first end
  if numbers.state == 'CLOSED' then return { 'CLOSED', numbers.state, opens_at or '' } end
  local known_id, known, position = live_place(user_id)
  if known then return { 'EXISTS', unpack(ticket_row(numbers, known_id, known, position)) } end

  local sequence = redis.call('HINCRBY', k.room, 'seq', 1)
  local p = { status = 'W', sequence = sequence, joined = now, deadline = 0, session_end = 0, paid = 0, ended = 0,
    reason = '', user = user_id }
  place_write(k.places, queue_id, p)
  redis.call('ZADD', k.waiting, sequence, queue_id)
  redis.call('HSET', k.members, 'w:' .. user_id, queue_id)
  numbers.waiting = numbers.waiting + 1
  local answer = { 'JOINED', unpack(ticket_row(numbers, queue_id, p, numbers.waiting)) }
  repeat_store(idempotency, fingerprint, answer)
  return answer
end

local reply = { 'ROOM' }
for i = 1, #ARGV, GROUP do
  reply[#reply + 1] = join(KEYS[FIXED_KEYS + (i - 1) / GROUP + 1], ARGV[i], ARGV[i + 1], ARGV[i + 2])
end
return reply
