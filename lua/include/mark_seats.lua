-- Writes one status byte for each seat index (comma separated) of a schedule, raises the schedule's version by one
-- and logs the change under it. `freed` is by how much the count of free seats moves. Trims as log_change does.
local SEAT_LOG_KEPT, SEAT_LOG_TRIM_EVERY = 10000, 100
local function mark_seats(status_key_name, seat_log, stock, schedule_id, indexes, byte, freed)
  for index in indexes:gmatch('%d+') do redis.call('SETRANGE', status_key_name, index, byte) end
  local version = redis.call('HINCRBY', stock, 'v:' .. schedule_id, '1')
  if freed ~= 0 then redis.call('HINCRBY', stock, 'f:' .. schedule_id, freed) end
  redis.call('XADD', seat_log, string.format('%.0f-0', version), 's', byte, 'i', indexes)
  if version % SEAT_LOG_TRIM_EVERY == 0 then redis.call('XTRIM', seat_log, 'MAXLEN', '~', SEAT_LOG_KEPT) end
  return version
end
