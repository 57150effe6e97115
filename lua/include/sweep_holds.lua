-- Ends holds past their deadline, the oldest first, at most `limit`, and settles their users' places. Answers how many
-- it ended, how many it looked at, for how many ms the oldest was past, and the ids whose record is gone: nothing here
-- tells their seats. k as for settle_user, and holds, stock. Uses reservation_read, release_hold, settle_user.
local function sweep_holds(k, limit, now)
  local ended, gone = 0, {}
  local past = redis.call('ZRANGEBYSCORE', k.holds, '-inf', now, 'WITHSCORES', 'LIMIT', 0, limit)
  for i = 1, #past, 2 do
    local reservation_id = past[i]
    local r = reservation_read(reservation_key(k.base, reservation_id))
    if not r then
      gone[#gone + 1] = reservation_id
    elseif r.status ~= 'HELD' then
      redis.call('ZREM', k.holds, reservation_id)
    elseif tonumber(r.deadline) > now then
      redis.call('ZADD', k.holds, r.deadline, reservation_id)
    else
      release_hold(k, reservation_id, r, 'EXPIRED', now)
      settle_user(k, r.user, now)
      ended = ended + 1
    end
  end
  return ended, #past / 2, past[2] and now - tonumber(past[2]) or 0, gone
end
