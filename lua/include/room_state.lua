-- State of the room now: a CLOSED room whose opening time has come is OPEN, whether or not anybody wrote so.
local function room_state(room, now)
  local state, opens_at = unpack(redis.call('HMGET', room, 'state', 'opens_at'))
  if state == 'CLOSED' and opens_at and opens_at ~= '' and tonumber(opens_at) <= now then return 'OPEN' end
  return state
end
