#!lua flags=no-writes
-- Reservations of a user in one concert, newest first, by time of creation and then by id.
-- KEYS[1] base      -     prefix of the concert
-- KEYS[2] owned_by  zset  the user's unpaid reservations by creation in ms
-- KEYS[3] paid_by   zset  the paid ones
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

local base, owned_by, paid_by = KEYS[1], KEYS[2], KEYS[3]
local before_ms, before_id, wanted, limit, look_max = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])

local now, gone, rows = now_ms(), {}, {}
local function status_of(r)
  if r.status == 'HELD' and tonumber(r.deadline) <= now then return 'EXPIRED' end
  return r.status
end

local function read(zset)
  return redis.call('ZREVRANGEBYSCORE', zset, before_ms, '-inf', 'WITHSCORES', 'LIMIT', 0, look_max)
end
local unpaid, paid, i, j = read(owned_by), read(paid_by), 1, 1
local function newest_left()
  local a, b = tonumber(unpaid[i + 1]), tonumber(paid[j + 1])
  if a and (not b or a > b or a == b and unpaid[i] > paid[j]) then
    i = i + 2
    return unpaid[i - 2], unpaid[i - 1]
  end
  j = j + 2
  return paid[j - 2], paid[j - 1]
end

-- Ids of the same millisecond come in descending order, too: those not yet passed are skipped.
local entries = (#unpaid + #paid) / 2
local last_ms, last_id = '', ''
for _ = 1, math.min(entries, look_max) do
  local reservation_id, at = newest_left()
  if at ~= before_ms or reservation_id < before_id then
    last_ms, last_id = at, reservation_id
    local flat, r = redis.call('HGETALL', reservation_key(base, reservation_id)), {}
    for f = 1, #flat, 2 do r[flat[f]] = flat[f + 1] end
    if #flat == 0 then
      gone[#gone + 1] = reservation_id
    elseif wanted == '' or status_of(r) == wanted then
      rows[#rows + 1] = { reservation_id, unpack(flat) }
      if #rows == limit then break end
    end
  end
end
if entries < look_max and #rows < limit then last_ms, last_id = '', '' end
return { 'PAGE', now, last_ms, last_id, table.concat(gone, ','), unpack(rows) }
