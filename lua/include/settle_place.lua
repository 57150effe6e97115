-- Sets the deadline of a claimed ACTIVE place anew: the later of the session's end (none after a payment) and the
-- user's last live hold. Where that has passed, the place is over: USED after a payment, else EXPIRED.
-- Returns true while the place lives. k as for end_place. Uses end_place, log_change, place.
local function settle_place(k, queue_id, p, last_hold, now)
  local deadline = p.deadline
  if p.session_end > 0 then
    deadline = math.max(p.paid == 1 and 0 or p.session_end, last_hold)
  end
  if deadline <= now then
    if p.paid == 1 then end_place(k, queue_id, p, 'U', 'PAID', now)
    else end_place(k, queue_id, p, 'E', p.session_end > 0 and 'SESSION_OVER' or 'UNCLAIMED', now) end
    return false
  end
  if deadline ~= p.deadline then
    p.deadline = deadline
    redis.call('ZADD', k.active, deadline, queue_id)
    log_change(k.log, k.room, 'k', 'D', 'q', queue_id)
  end
  place_write(k.places, queue_id, p)
  return true
end
