#!lua flags=allow-oom
-- Step 3 of a payment that the concert's slot has confirmed under this very transfer id: its money is spent, and the
-- history says so. Acts only on a PENDING transfer of that id.
-- KEYS[1] wallet    hash    available, pending, posted
-- KEYS[2] transfer  hash    as for authorize
-- KEYS[3] pending   zset    member by deadline
-- KEYS[4] over      zset    member by the time it may be forgotten
-- KEYS[5] history   list    packed entries (include append_entry)
-- KEYS[6] outbox    stream  entries not yet in PostgreSQL
-- ARGV[1] member       `<reservation id> <user id>`
-- ARGV[2] user_id
-- ARGV[3] transfer_id
-- ARGV[4] entry_prefix
-- ARGV[5] kept_ms
-- Reply   POSTED | ALREADY | VOIDED | OTHER transfer_id | NONE
-- @include now_ms
-- @include append_outbox
-- @include append_entry
local wallet, transfer, pending, over = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local k = { wallet = wallet, history = KEYS[5], outbox = KEYS[6] }
local member, user_id, transfer_id, entry_prefix, kept_ms = ARGV[1], ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5])

local id, state, amount, payment_id = unpack(redis.call('HMGET', transfer, 'id', 'state', 'amount', 'payment'))
if not id then return { 'NONE' } end
if id ~= transfer_id then return { 'OTHER', id } end
if state == 'POSTED' then return { 'ALREADY' } end
if state == 'VOIDED' then return { 'VOIDED' } end

local now = now_ms()
local at = tostring(now)
local spent = string.format('%.0f', 0 - tonumber(amount))
local available = redis.call('HGET', wallet, 'available')
local balance = string.format('%.0f', available + redis.call('HINCRBY', wallet, 'pending', spent))
redis.call('HINCRBY', wallet, 'posted', amount)
redis.call('HSET', transfer, 'state', 'POSTED', 'ended', at)
redis.call('ZREM', pending, member)
redis.call('ZADD', over, now + kept_ms, member)
append_entry(k, user_id, entry_prefix, 'PAYMENT', spent, balance, at, payment_id)
return { 'POSTED' }
