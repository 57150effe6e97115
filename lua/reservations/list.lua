#!lua flags=no-writes
-- Reservations of a user in one concert, newest first, by time of creation and then by id.
-- KEYS[1] base      -     prefix of the concert
-- KEYS[2] owned_by  zset  the user's reservations by creation in ms
-- ARGV[1] before_ms  the list goes on after this time and id; '+inf' and '' at its start
-- ARGV[2] before_id
-- ARGV[3] status     only these; '' for all. HELD past its deadline is EXPIRED
-- ARGV[4] limit      reservations at most
-- ARGV[5] look_max   entries looked at in one call
-- DERIVED reservation
-- Reply   PAGE now_ms next_ms next_id gone row...
-- next_ms and next_id: how far the list was looked at, '' where that is its end. gone: ids whose record is gone, joined
-- by a comma. A row, nested: id, then field, value ...
-- @include now_ms
-- @include derived

local base, owned_by = KEYS[1], KEYS[2]
local before_ms, before_id, wanted, limit, look_max = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])

local now, gone, rows = now_ms(), {}, {}
local function status_of(r)
  if r.status == 'HELD' and tonumber(r.deadline) <= now then return 'EXPIRED' end
  return r.status
end

-- Ids of the same millisecond come in descending order, too: those not yet passed are skipped.
local page = redis.call('ZREVRANGEBYSCORE', owned_by, before_ms, '-inf', 'WITHSCORES', 'LIMIT', 0, look_max)
local last_ms, last_id = '', ''
for i = 1, #page, 2 do
  local reservation_id, at = page[i], page[i + 1]
  if at ~= before_ms or reservation_id < before_id then
    last_ms, last_id = at, reservation_id
    local flat, r = redis.call('HGETALL', reservation_key(base, reservation_id)), {}
    for j = 1, #flat, 2 do r[flat[j]] = flat[j + 1] end
    if #flat == 0 then
      gone[#gone + 1] = reservation_id
    elseif wanted == '' or status_of(r) == wanted then
      rows[#rows + 1] = { reservation_id, unpack(flat) }
      if #rows == limit then break end
    end
  end
end
if #page < 2 * look_max and #rows < limit then last_ms, last_id = '', '' end
return { 'PAGE', now, last_ms, last_id, table.concat(gone, ','), unpack(rows) }
