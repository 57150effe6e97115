#!lua flags=no-writes
-- A slice of a partition's wallets, for the audit; each is read in one moment, with its PENDING transfers.
-- KEYS[1] base     -     prefix of the partition
-- KEYS[2] users    set   users with a wallet here
-- KEYS[3] pending  zset  `<reservation id> <user id>` of PENDING transfers by deadline
-- ARGV[1] cursor       of SSCAN
-- ARGV[2] count        wallets, about
-- ARGV[3] pending_max  PENDING transfers of the partition, beyond which none is read
-- DERIVED wallet, history, gap, transfer
-- Reply   WALLETS next_cursor wallets
--   wallets, of each in turn: user_id available pending charged posted entries first recorded, then length of the
--   history, its last entry, length of the gap, sum of the PENDING transfers ('' where not read). A missing wallet has
--   only ''
-- @include wallet_derived
-- @include transfer_key
local base, users, pending = KEYS[1], KEYS[2], KEYS[3]
local cursor, count, pending_max = ARGV[1], ARGV[2], tonumber(ARGV[3])

local sums
local function pending_of(user_id)
  if redis.call('ZCARD', pending) > pending_max then return '' end
  if not sums then
    sums = {}
    for _, member in ipairs(redis.call('ZRANGE', pending, 0, -1)) do
      local owner = member:match('^%S+ (.*)$')
      sums[owner] = (sums[owner] or 0) + tonumber(redis.call('HGET', transfer_key(base, member), 'amount') or '0')
    end
  end
  return string.format('%.0f', sums[user_id] or 0)
end

local next_cursor, slice = unpack(redis.call('SSCAN', users, cursor, 'COUNT', count))
local wallets = {}
for _, user_id in ipairs(slice) do
  local history = history_key(base, user_id)
  local w = redis.call('HMGET', wallet_key(base, user_id), 'available', 'pending', 'charged', 'posted', 'entries',
    'first', 'recorded')
  wallets[#wallets + 1] = user_id
  for i = 1, 7 do wallets[#wallets + 1] = w[i] or '' end
  wallets[#wallets + 1] = redis.call('LLEN', history)
  wallets[#wallets + 1] = redis.call('LINDEX', history, -1) or ''
  wallets[#wallets + 1] = redis.call('ZCARD', gap_key(base, user_id))
  wallets[#wallets + 1] = pending_of(user_id)
end
return { 'WALLETS', next_cursor, wallets }
