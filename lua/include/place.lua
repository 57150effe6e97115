-- Packed record of one place in a waiting room, the value of hash `places`:
--   status|sequence|joined|deadline|session_end|paid|ended|reason|user
-- status  W waiting, A active, E expired, L left, U used; what the record says, not yet judged by the clock
-- times   ms, 0 where not (yet) known; session_end is 0 until the place is claimed
-- user    last, since an outside `sub` may contain any character
local function place_read(places, queue_id)
  local packed = redis.call('HGET', places, queue_id)
  if not packed then return nil end
  local status, sequence, joined, deadline, session_end, paid, ended, reason, user =
    packed:match('^(%u)|(%d+)|(%d+)|(%d+)|(%d+)|(%d)|(%d+)|([_%u]*)|(.*)$')
  return {
    packed = packed, status = status, sequence = tonumber(sequence), joined = tonumber(joined),
    deadline = tonumber(deadline), session_end = tonumber(session_end), paid = tonumber(paid),
    ended = tonumber(ended), reason = reason, user = user,
  }
end

local function place_pack(p)
  return p.status .. '|' .. p.sequence .. '|' .. p.joined .. '|' .. p.deadline .. '|' .. p.session_end
    .. '|' .. p.paid .. '|' .. p.ended .. '|' .. p.reason .. '|' .. p.user
end

-- Writes nothing where nothing has changed since it was read or written: most holds leave the place as it is.
local function place_write(places, queue_id, p)
  local packed = place_pack(p)
  if packed == p.packed then return end
  redis.call('HSET', places, queue_id, packed)
  p.packed = packed
end
