#!lua flags=no-writes
-- A concert's numbers in one moment: its room's counters, and of each schedule the counter of free seats beside the
-- bytes that it should be the count of. A byte a seat: 200,000 seats take about 5 ms.
-- KEYS[1] base       -       prefix of the concert
-- KEYS[2] room       hash    counters
-- KEYS[3] waiting    zset    queue id by sequence
-- KEYS[4] active     zset    queue id by deadline
-- KEYS[5] catalogue  hash    schedules
-- KEYS[6] stock      hash    free seats, sold, revenue
-- KEYS[7] outbox     stream  payments not yet in PostgreSQL
-- DERIVED status
-- Reply   CONCERT waiting active admitted expired no_shows left sold revenue outbox schedules | NONE
--   schedules: schedule_id, counter of free seats, then bytes A, H and S, of each in turn
-- @include now_ms
-- @include derived
local base, room, waiting, active, catalogue, stock, outbox =
  KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7]

if redis.call('EXISTS', room) == 0 then return { 'NONE' } end
local schedules = {}
for _, field in ipairs(redis.call('HKEYS', catalogue)) do
  local schedule_id = field:match('^schedule:(.*)$')
  if schedule_id then
    local bytes = redis.call('GET', status_key(base, schedule_id)) or ''
    schedules[#schedules + 1] = schedule_id
    schedules[#schedules + 1] = redis.call('HGET', stock, 'f:' .. schedule_id) or '0'
    for _, byte in ipairs({ 'A', 'H', 'S' }) do
      schedules[#schedules + 1] = select(2, bytes:gsub(byte, byte))
    end
  end
end
local counters = redis.call('HMGET', room, 'admitted', 'expired', 'no_shows', 'left_count')
local sold, revenue = unpack(redis.call('HMGET', stock, 'sold', 'revenue'))
return { 'CONCERT', redis.call('ZCARD', waiting), redis.call('ZCOUNT', active, '(' .. now_ms(), '+inf'),
  counters[1] or 0, counters[2] or 0, counters[3] or 0, counters[4] or 0, sold or 0, revenue or 0,
  redis.call('XLEN', outbox), schedules }
