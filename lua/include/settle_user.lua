-- Sets the deadline of the user's ACTIVE place anew, where there is one: for every script that has ended a hold.
-- k as for end_place, and base. Uses active_place, settle_place, live_until, derived.
local function settle_user(k, user_id, now)
  local queue_id, p = active_place(k, user_id, now)
  if queue_id then settle_place(k, queue_id, p, (live_until(live_key(k.base, user_id), now)), now) end
end
