#!lua
-- Step 1 of a payment: sets its amount aside. One transfer per user and reservation at a time; a transfer id stands
-- for one attempt that moved money and is never used again.
-- KEYS[1] wallet    hash  available, pending
-- KEYS[2] transfer  hash  id, state PENDING|POSTED|VOIDED, amount, balance, payment, deadline, ended
-- KEYS[3] pending   zset  member by deadline
-- KEYS[4] over      zset  member by the time it may be forgotten
-- KEYS[5] concerts  set   concert ids of the user
-- ARGV[1] member       `<reservation id> <user id>`
-- ARGV[2] concert_id
-- ARGV[3] payment_id
-- ARGV[4] transfer_id  a new one
-- ARGV[5] amount
-- ARGV[6] transfer_ms
-- Reply   AUTHORIZED transfer_id balance | PENDING transfer_id balance | POSTED transfer_id balance
--   | INSUFFICIENT balance | NO_WALLET
-- @include now_ms
local wallet, transfer, pending, over, concerts = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local member, concert_id, payment_id, transfer_id = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local amount, transfer_ms = tonumber(ARGV[5]), tonumber(ARGV[6])

local id, state, balance = unpack(redis.call('HMGET', transfer, 'id', 'state', 'balance'))
-- A POSTED one gives its id too: taken for none, a second click would pay again (models/pay3.py).
if state == 'PENDING' or state == 'POSTED' then return { state, id, balance } end
local available = redis.call('HGET', wallet, 'available')
if not available then return { 'NO_WALLET' } end
if tonumber(available) < amount then return { 'INSUFFICIENT', available } end

local deadline = tostring(now_ms() + transfer_ms)
balance = string.format('%.0f', redis.call('HINCRBY', wallet, 'available', string.format('%.0f', 0 - amount)))
redis.call('HINCRBY', wallet, 'pending', ARGV[5])
redis.call('HSET', transfer, 'id', transfer_id, 'state', 'PENDING', 'amount', ARGV[5], 'balance', balance,
  'payment', payment_id, 'deadline', deadline)
redis.call('HDEL', transfer, 'ended')
redis.call('ZADD', pending, deadline, member)
redis.call('ZREM', over, member)
redis.call('SADD', concerts, concert_id)
return { 'AUTHORIZED', transfer_id, balance }
