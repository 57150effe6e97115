-- What an audit asks of a reservation, as ten strings; `status` is '' where its record is gone:
--   status user seats amount transfer recorded_at indexes unnamed unsold entry
-- unnamed  indexes of its seats that name another reservation or none
-- unsold   indexes whose byte is not S
-- entry    the id of its outbox entry, '' where that is not in the outbox, or is not looked for: it is recorded
-- Uses derived.
local function audit_payment(base, outbox, reservation)
  local key = reservation_key(base, reservation)
  local r = redis.call('HMGET', key, 'status', 'user', 'seats', 'amount', 'transfer', 'recorded_at', 'indexes',
    'outbox', 'schedule')
  for i = 1, 9 do r[i] = r[i] or '' end
  local unnamed, unsold, entry = {}, {}, r[8]
  local next_index = r[7]:gmatch('%d+')
  for seat in r[3]:gmatch('[^,]+') do
    local index = next_index() or -1
    if redis.call('HGET', seats_key(base, r[9]), seat) ~= reservation then unnamed[#unnamed + 1] = index end
    if redis.call('GETRANGE', status_key(base, r[9]), index, index) ~= 'S' then unsold[#unsold + 1] = index end
  end
  if r[6] ~= '' then entry = '' end
  if entry ~= '' and #redis.call('XRANGE', outbox, entry, entry) == 0 then entry = '' end
  return { r[1], r[2], r[3], r[4], r[5], r[6], r[7], table.concat(unnamed, ','), table.concat(unsold, ','), entry }
end
