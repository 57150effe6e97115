-- Appends to the concert's numbered log, from which every process learns what others changed.
-- Entry `<n>-0`, n dense. Kinds (field `k`):
--   L  q, s, u     place q (sequence s) of user u ended while waiting
--   A  q           places admitted: queue ids joined by a space
--   D  q           the deadline of ACTIVE place q moved, or it was claimed
--   E  q, u        ACTIVE place q of user u is over
--   R  r, u        reservation r of user u changed
-- About 10,000 entries are kept; a process that fell behind reads everything anew. Every hundredth entry trims, as
-- Redis frees whole blocks of up to a hundred anyway: each one doing so costs a quarter more.
local LOG_KEPT, LOG_TRIM_EVERY = 10000, 100
local function log_change(log, room, ...)
  local n = redis.call('HINCRBY', room, 'log', '1')
  redis.call('XADD', log, string.format('%.0f-0', n), ...)
  if n % LOG_TRIM_EVERY == 0 then redis.call('XTRIM', log, 'MAXLEN', '~', LOG_KEPT) end
end
