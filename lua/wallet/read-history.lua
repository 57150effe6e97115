#!lua flags=no-writes
-- Entries of a wallet's history that Redis keeps, oldest first: at most `limit` of those numbered below `before`.
-- KEYS[1] wallet   hash  entries: number of the last one, first: of the first one kept
-- KEYS[2] history  list  packed entries, number `first` at index 0
-- ARGV[1] before   0: from the newest on
-- ARGV[2] limit
-- Reply   ENTRIES last packed_entry... | NO_WALLET
local wallet, history = KEYS[1], KEYS[2]
local before, limit = tonumber(ARGV[1]), tonumber(ARGV[2])

local first, last = unpack(redis.call('HMGET', wallet, 'first', 'entries'))
if not last then return { 'NO_WALLET' } end
first, last = tonumber(first), tonumber(last)
if before > 0 then last = math.min(last, before - 1) end

local reply = { 'ENTRIES', string.format('%.0f', last) }
if last >= first then
  local kept = redis.call('LRANGE', history, math.max(0, last - limit + 1 - first), last - first)
  for i = 1, #kept do reply[i + 2] = kept[i] end
end
return reply
