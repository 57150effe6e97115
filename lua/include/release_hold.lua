-- Ends a hold as CANCELLED or EXPIRED. A seat is freed only while its value still names this reservation: another
-- may have taken it over. r is the reservation's record with `user`, `schedule`, `seats`, `indexes`, `count`.
-- k needs: base, room, log, stock, holds. Uses derived, log_change, mark_seats.
local function release_hold(k, reservation_id, r, status, now)
  local seats = seats_key(k.base, r.schedule)
  local ids = {}
  for seat in r.seats:gmatch('[^,]+') do ids[#ids + 1] = seat end
  local holders = redis.call('HMGET', seats, unpack(ids))
  local freed, freed_ids, next_index = {}, {}, r.indexes:gmatch('%d+')
  for i, seat in ipairs(ids) do
    local index = next_index()
    if holders[i] == reservation_id then freed[#freed + 1], freed_ids[#freed_ids + 1] = index, seat end
  end
  if #freed > 0 then
    redis.call('HDEL', seats, unpack(freed_ids))
    mark_seats(status_key(k.base, r.schedule), seat_log_key(k.base, r.schedule), k.stock, r.schedule,
      table.concat(freed, ','), 'A', #freed)
  end
  redis.call('HSET', reservation_key(k.base, reservation_id), 'status', status, 'ended', now)
  redis.call('ZREM', k.holds, reservation_id)
  redis.call('ZREM', live_key(k.base, r.user), r.count .. ' ' .. reservation_id)
  log_change(k.log, k.room, 'k', 'R', 'r', reservation_id, 'u', r.user)
end
