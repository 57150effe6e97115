-- The place that a queue token names, while it is its user's, of the room's present epoch and ACTIVE by the clock.
-- Else nil and what a refusal tells of it: its status letter ('' where it is gone) and its sequence. Writes nothing.
-- Uses place.
local function own_place(room, places, queue_id, epoch, user_id, now)
  local p = place_read(places, queue_id)
  if not p or p.user ~= user_id or redis.call('HGET', room, 'epoch') ~= epoch then return nil, '', 0 end
  if p.status ~= 'A' then return nil, p.status, p.sequence end
  if p.deadline <= now then return nil, p.paid == 1 and 'U' or 'E', p.sequence end
  return p
end
