-- The user's ACTIVE place by the clock: queue id and record, or nil. One whose deadline has passed is ended here,
-- so that whoever asks next finds no second live place. k as for end_place. Uses place, settle_place.
local function active_place(k, user_id, now)
  local queue_id = redis.call('HGET', k.members, 'a:' .. user_id)
  if not queue_id then return nil end
  local p = place_read(k.places, queue_id)
  if not p then return nil end
  if p.deadline <= now then
    settle_place(k, queue_id, p, 0, now)
    return nil
  end
  return queue_id, p
end
