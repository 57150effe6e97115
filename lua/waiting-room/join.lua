#!lua
-- Gives each joiner the next place of a concert's waiting room, unless one of theirs lives already. Many joiners in one
-- call (200 at most), in their order, an answer each.
-- KEYS[1] room     hash   settings, counters, epoch
-- KEYS[2] places   hash   queue id -> packed record
-- KEYS[3] waiting  zset   queue id by sequence
-- KEYS[4] active   zset   queue id by deadline in ms
-- KEYS[5] members  hash   user -> queue id
-- KEYS[6] ended    zset   queue id by time of end
-- KEYS[7] left     zset   sequences that ended while waiting
-- KEYS[8] log      stream numbered changes
-- KEYS[9..] idempotency  string  of each joiner whose fingerprint is not '', in their order
-- ARGV[1..] user_id queue_id fingerprint
-- Reply   ROOM numbers answer... | NONE
-- `numbers`, nested, are those of a ticket_row from before the call: the sequence given last, how many wait, how many
-- were admitted, rate, state, claim window, epoch, now. An answer is the sequence of a new place (position = how many
-- waited + sequence - the last one before the call), or nested, its word first: EXISTS (a live place) with a
-- ticket_row, CLOSED with the state and opens_at, REPEAT with the first answer (JOINED and its row), MISMATCH alone.
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

local reentry, opens_at, sequence = unpack(redis.call('HMGET', k.room, 'reentry', 'opens_at', 'seq'))
if not reentry then return { 'NONE' } end
sequence = tonumber(sequence or 0)
local now = now_ms()
local n = room_numbers(k.room, k.waiting, now)
local reply = { 'ROOM', { sequence, n.waiting, n.admitted, n.rate, n.state, n.claim_ms, n.epoch, n.now } }

-- One command for all of them, and one of each kind that writes: 6 us of Redis a joiner, with seven commands each 13.
local fields = {}
for i = 1, #ARGV, GROUP do
  fields[#fields + 1] = 'a:' .. ARGV[i]
  fields[#fields + 1] = 'w:' .. ARGV[i]
end
local members = redis.call('HMGET', k.members, unpack(fields))
local new = { places = {}, waiting = {}, members = {}, first = {} }
-- The record of a new place but for its sequence and user, packed once: a tenth of a joiner's time is numbers as text.
local fresh = { status = 'W', sequence = ' ', joined = now, deadline = 0, session_end = 0, paid = 0, ended = 0,
  reason = '', user = '' }
local head, tail = place_pack(fresh):match('^(.*) (.*)$')

local function write_new()
  if #new.waiting == 0 then return end
  redis.call('HINCRBY', k.room, 'seq', #new.waiting / 2)
  redis.call('HSET', k.places, unpack(new.places))
  redis.call('ZADD', k.waiting, unpack(new.waiting))
  redis.call('HSET', k.members, unpack(new.members))
  for _, first in ipairs(new.first) do repeat_store(unpack(first)) end
  new = { places = {}, waiting = {}, members = {}, first = {} }
end

local function append(list, a, b)
  list[#list + 1] = a
  list[#list + 1] = b
end

-- The place that keeps this user from another one: queue id, record and position.
local function live_place(user_id, has_active, waiting_id)
  if has_active then
    local active_id, active = active_place(k, user_id, now)
    if active and reentry == 'reject' then return active_id, active, 0 end
  end
  local rank = waiting_id and redis.call('ZRANK', k.waiting, waiting_id)
  if rank then return waiting_id, place_read(k.places, waiting_id), rank + 1 end
end

local function join(idempotency, user_id, queue_id, fingerprint, has_active, waiting_id)
  local first = repeat_of(idempotency, fingerprint)
  if first then return first end
  if n.state == 'CLOSED' then return { 'CLOSED', n.state, opens_at or '' } end
  local known_id, known, position = live_place(user_id, has_active, waiting_id)
  if known then return { 'EXISTS', unpack(ticket_row(n, known_id, known, position)) } end

  sequence = sequence + 1
  n.waiting = n.waiting + 1
  append(new.places, queue_id, head .. sequence .. tail .. user_id)
  append(new.waiting, sequence, queue_id)
  append(new.members, 'w:' .. user_id, queue_id)
  if fingerprint ~= '' then
    fresh.sequence, fresh.user = sequence, user_id
    new.first[#new.first + 1] =
      { idempotency, fingerprint, { 'JOINED', unpack(ticket_row(n, queue_id, fresh, n.waiting)) } }
  end
  return sequence
end

local seen, next_key = {}, FIXED_KEYS + 1
for i = 1, #ARGV, GROUP do
  local user_id, queue_id, fingerprint = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  local at, idempotency = (i - 1) / GROUP * 2, nil
  local has_active, waiting_id = members[at + 1], members[at + 2]
  if seen[user_id] then
    -- Twice in one call: the second finds what the first one wrote.
    write_new()
    has_active, waiting_id = unpack(redis.call('HMGET', k.members, 'a:' .. user_id, 'w:' .. user_id))
  end
  seen[user_id] = true
  if fingerprint ~= '' then idempotency, next_key = KEYS[next_key], next_key + 1 end
  reply[#reply + 1] = join(idempotency, user_id, queue_id, fingerprint, has_active, waiting_id)
end
write_new()
return reply
