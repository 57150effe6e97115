#!lua flags=no-writes
-- The seats of some schedules of a concert, in one atomic answer: what changed since the versions that a process knows,
-- or all status bytes where it cannot go on from there.
-- KEYS[1] base       -     prefix of the concert
-- KEYS[2] room       hash  epoch
-- KEYS[3] catalogue  hash  revision
-- KEYS[4] stock      hash  seat versions, free seats
-- ARGV[1] epoch      that the process knows, as the next one
-- ARGV[2] revision
-- ARGV[3] log_max    changes of a schedule at most; all bytes are shorter than more of them
-- ARGV[4..] schedule_id version    (of each schedule; version -1: nothing is known)
-- DERIVED status, seat_log
-- Reply   SEATS epoch revision row... | NONE
-- A row, nested: schedule id, version, free seats, status bytes ('' where changes follow), log entries ascending: with
-- bytes those up to the version, else those after the known one. A schedule without a version is not there: no row.
-- @include derived

local base, room, catalogue, stock = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local epoch, revision, log_max = ARGV[1], ARGV[2], tonumber(ARGV[3])
local FIXED, GROUP = 3, 2

local epoch_now, revision_now = redis.call('HGET', room, 'epoch'), redis.call('HGET', catalogue, 'revision')
if not epoch_now or not revision_now then return { 'NONE' } end
local same = epoch == epoch_now and revision == revision_now

local reply = { 'SEATS', epoch_now, revision_now }
for i = FIXED + 1, #ARGV, GROUP do
  local schedule_id, known = ARGV[i], tonumber(ARGV[i + 1])
  local version, free = unpack(redis.call('HMGET', stock, 'v:' .. schedule_id, 'f:' .. schedule_id))
  local seat_log = seat_log_key(base, schedule_id)
  local behind = version and tonumber(version) - known
  if version and same and known >= 0 and behind >= 0 and behind <= log_max then
    local entries = {}
    if behind > 0 then entries = redis.call('XRANGE', seat_log, string.format('%.0f-0', known + 1), '+') end
    if #entries == behind then
      reply[#reply + 1] = { schedule_id, version, free or '0', '', entries }
      version = nil
    end
  end
  if version then
    local recent, entries = redis.call('XREVRANGE', seat_log, '+', '-', 'COUNT', log_max), {}
    for j = #recent, 1, -1 do entries[#entries + 1] = recent[j] end
    local bytes = redis.call('GET', status_key(base, schedule_id))
    reply[#reply + 1] = { schedule_id, version, free or '0', bytes or '', entries }
  end
end
return reply
