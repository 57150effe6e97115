-- Ends a place: status E, L or U with its reason. Only the member field that still names this place is deleted,
-- or a user's newer place would be forgotten.
-- k needs: room, places, waiting, active, members, ended, left, log. Uses log_change, place.
local function end_place(k, queue_id, p, status, reason, now)
  local was = p.status
  p.status, p.reason, p.ended = status, reason, now
  place_write(k.places, queue_id, p)
  redis.call('ZADD', k.ended, now, queue_id)
  local field = (was == 'W' and 'w:' or 'a:') .. p.user
  if redis.call('HGET', k.members, field) == queue_id then redis.call('HDEL', k.members, field) end
  if was == 'W' then
    redis.call('ZREM', k.waiting, queue_id)
    local frontier = tonumber(redis.call('HGET', k.room, 'frontier') or '0')
    if p.sequence > frontier then redis.call('ZADD', k.left, p.sequence, p.sequence) end
    log_change(k.log, k.room, 'k', 'L', 'q', queue_id, 's', p.sequence, 'u', p.user)
  else
    redis.call('ZREM', k.active, queue_id)
    log_change(k.log, k.room, 'k', 'E', 'q', queue_id, 'u', p.user)
  end
  local counter = (status == 'L' and 'left_count') or (reason == 'UNCLAIMED' and 'no_shows')
    or (status == 'E' and 'expired') or 'used'
  redis.call('HINCRBY', k.room, counter, 1)
end
