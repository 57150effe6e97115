#!lua
-- Adds money to a wallet and writes the history entry, once per Idempotency-Key.
-- KEYS[1] wallet       hash    money and entry numbers of the user
-- KEYS[2] history      list    packed entries (include append_entry)
-- KEYS[3] outbox       stream  entries not yet in PostgreSQL
-- KEYS[4] idempotency  string  first success for the caller's key
-- ARGV[1] user_id
-- ARGV[2] amount
-- ARGV[3] wallet_max
-- ARGV[4] charge_id
-- ARGV[5] entry_prefix
-- ARGV[6] fingerprint
-- Reply   CHARGED balance charge_id | TOO_MUCH fits | NO_WALLET | REPEAT first_reply... | MISMATCH
-- @include now_ms
-- @include repeat_of
-- @include append_outbox
-- @include append_entry
local k = { wallet = KEYS[1], history = KEYS[2], outbox = KEYS[3] }
local idempotency = KEYS[4]
local user_id, amount, wallet_max = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local charge_id, entry_prefix, fingerprint = ARGV[4], ARGV[5], ARGV[6]

local seen = repeat_of(idempotency, fingerprint)
if seen then return seen end
local available, pending = unpack(redis.call('HMGET', k.wallet, 'available', 'pending'))
if not available then return { 'NO_WALLET' } end
-- Pending money counts: a void brings it back.
local fits = wallet_max - available - pending
if amount > fits then return { 'TOO_MUCH', string.format('%.0f', math.max(0, fits)) } end

available = redis.call('HINCRBY', k.wallet, 'available', ARGV[2])
redis.call('HINCRBY', k.wallet, 'charged', ARGV[2])
local balance = string.format('%.0f', available + pending)
append_entry(k, user_id, entry_prefix, 'CHARGE', ARGV[2], balance, tostring(now_ms()), charge_id)
local reply = { 'CHARGED', string.format('%.0f', available), charge_id }
repeat_store(idempotency, fingerprint, reply)
return reply
