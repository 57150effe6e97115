-- What a ticket is rendered from, in one row: queue id, packed record, position (0 where it does not wait), how many
-- wait, how many were admitted, admissions per second in thousandths, state, claim window in ms, epoch, now in ms.
-- Uses place, room_state, admission_rate.
local function room_numbers(room, waiting, now)
  local admitted, claim_ms, epoch = unpack(redis.call('HMGET', room, 'admitted', 'claim_ms', 'epoch'))
  return { waiting = redis.call('ZCARD', waiting), admitted = admitted or '0', rate = rate_read(room, now),
    state = room_state(room, now), claim_ms = claim_ms, epoch = epoch, now = now }
end

local function ticket_row(n, queue_id, p, position)
  return { queue_id, place_pack(p), position, n.waiting, n.admitted, n.rate, n.state, n.claim_ms, n.epoch, n.now }
end
