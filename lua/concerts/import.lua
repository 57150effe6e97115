#!lua
-- Writes a concert's catalogue, or only says what stands against it. The process has compared old and new; here
-- nothing loops over seats: it brings ranges of seat indexes, and finds taken seats in them by string.find, which
-- jumps from one to the next.
-- KEYS[1] base       -       prefix of the concert
-- KEYS[2] room       hash    settings and counters
-- KEYS[3] places     hash    packed places
-- KEYS[4] waiting    zset    queue id by sequence
-- KEYS[5] active     zset    queue id by deadline
-- KEYS[6] members    hash    user -> queue id
-- KEYS[7] ended      zset    over places
-- KEYS[8] left       zset    sequences that ended while waiting
-- KEYS[9] log        stream  changes of places and reservations
-- KEYS[10] stock     hash    seat versions, free seats
-- KEYS[11] holds     zset    reservation id of a live hold by deadline
-- KEYS[12] catalogue hash    revision, concert, schedules
-- ARGV[1] revision       of the catalogue that was compared, 0 where there was none
-- ARGV[2] dry            1: change nothing
-- ARGV[3] concert        JSON
-- ARGV[4] new_room       JSON: fields of the room where it is new
-- ARGV[5] room_changes   JSON: fields of the room where it is not
-- ARGV[6..] schedule_id layout guarded bytes freed    (of each schedule that changes)
--   layout: JSON, '' where the schedule is removed; guarded: `<index> <count>,...` ascending: seats that must not be
--   held or sold; bytes: `<index> <count> <byte>,...` to write; freed: by how much the count of free seats moves
-- DERIVED seats, status, seat_log, reservation, live
-- Reply   DONE revision now_ms | STALE | SWEEP | CONFLICT schedule_id index byte...
-- SWEEP: a held seat stands against it, but more holds are past their deadline than one call ends: ask again.
-- @include now_ms
-- @include derived
-- @include place
-- @include log_change
-- @include end_place
-- @include settle_place
-- @include active_place
-- @include live_until
-- @include settle_user
-- @include mark_seats
-- @include reservation_read
-- @include release_hold
-- @include sweep_holds

local CONFLICTS_MAX, SWEEP_MAX, FIXED, GROUP = 100, 200, 5, 5
local k = { base = KEYS[1], room = KEYS[2], places = KEYS[3], waiting = KEYS[4], active = KEYS[5], members = KEYS[6],
  ended = KEYS[7], left = KEYS[8], log = KEYS[9], stock = KEYS[10], holds = KEYS[11] }
local base, room, stock, catalogue = k.base, k.room, k.stock, KEYS[12]
local revision, dry, concert = ARGV[1], ARGV[2] == '1', ARGV[3]
local new_room, room_changes = cjson.decode(ARGV[4]), cjson.decode(ARGV[5])

local now = now_ms()
if (redis.call('HGET', catalogue, 'revision') or '0') ~= revision then return { 'STALE' } end
local _, past, _, gone = sweep_holds(k, SWEEP_MAX, now) -- a held seat past its deadline is free
local conflicts, held = { 'CONFLICT' }, false
local function find_taken(schedule_id, guarded)
  if guarded == '' then return end
  local bytes, taken = redis.call('GET', status_key(base, schedule_id)) or '', 0
  for from, count in guarded:gmatch('(%d+) (%d+)') do
    if taken <= tonumber(from) then taken = bytes:find('[HS]', from + 1) end
    while taken and taken <= from + count do
      if #conflicts > 3 * CONFLICTS_MAX then return end
      local byte = bytes:sub(taken, taken)
      held = held or byte == 'H'
      for _, value in ipairs({ schedule_id, taken - 1, byte }) do conflicts[#conflicts + 1] = value end
      taken = bytes:find('[HS]', taken + 1)
    end
    if not taken then return end
  end
end
for i = FIXED + 1, #ARGV, GROUP do find_taken(ARGV[i], ARGV[i + 2]) end
if held and (past == SWEEP_MAX or #gone > 0) then return { 'SWEEP' } end
if #conflicts > 1 then return conflicts end
if dry then return { 'DONE', revision, now } end

local function write_schedule(schedule_id, layout, bytes, freed)
  local status, seat_log = status_key(base, schedule_id), seat_log_key(base, schedule_id)
  local version = redis.call('HINCRBY', stock, 'v:' .. schedule_id, 1) -- goes on if the schedule comes back
  if layout == '' then
    redis.call('HDEL', catalogue, 'schedule:' .. schedule_id)
    redis.call('HSET', stock, 'f:' .. schedule_id, 0)
    redis.call('DEL', status, seat_log, seats_key(base, schedule_id))
    return
  end
  redis.call('HSET', catalogue, 'schedule:' .. schedule_id, layout)
  for from, count, byte in bytes:gmatch('(%d+) (%d+) (%u)') do
    redis.call('SETRANGE', status, from, byte:rep(tonumber(count)))
  end
  redis.call('HINCRBY', stock, 'f:' .. schedule_id, freed)
  -- No list of changes: whoever follows the log reads everything anew.
  redis.call('XADD', seat_log, 'MAXLEN', '~', 10000, string.format('%.0f-0', version), 's', '*', 'i', '')
end
for i = FIXED + 1, #ARGV, GROUP do write_schedule(ARGV[i], ARGV[i + 1], ARGV[i + 3], ARGV[i + 4]) end

local fields = redis.call('EXISTS', room) == 0 and new_room or room_changes
if fields.state == 'CLOSED' and not fields.opens_at then
  local opens_at = tonumber(redis.call('HGET', room, 'opens_at') or '')
  if opens_at and opens_at <= now then fields.opens_at = '' end -- or the room would open again at once
end
for field, value in pairs(fields) do redis.call('HSET', room, field, value) end
redis.call('HSET', catalogue, 'concert', concert)
return { 'DONE', redis.call('HINCRBY', catalogue, 'revision', 1), now }
