-- Keys of the wallets of users whom a script is told of, or reads of; `base` is the partition's prefix from KEYS, so
-- the slot is the same. One place, mirrored by walletKeys in src/redis/keys.ts (a test compares the two).
local function wallet_key(base, user_id) return base .. 'u:' .. user_id end
local function history_key(base, user_id) return base .. 'h:' .. user_id end
local function gap_key(base, user_id) return base .. 'gap:' .. user_id end
