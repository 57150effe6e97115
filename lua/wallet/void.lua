#!lua flags=allow-oom
-- Step 3 of a payment that the concert's slot has refused for this very transfer id: its money is free again. Acts
-- only on a PENDING transfer of that id.
-- KEYS[1] wallet    hash  available, pending
-- KEYS[2] transfer  hash  as for authorize
-- KEYS[3] pending   zset  member by deadline
-- KEYS[4] over      zset  member by the time it may be forgotten
-- ARGV[1] member       `<reservation id> <user id>`
-- ARGV[2] transfer_id
-- ARGV[3] kept_ms
-- Reply   VOIDED | ALREADY | POSTED | OTHER transfer_id | NONE
-- @include now_ms
local wallet, transfer, pending, over = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local member, transfer_id, kept_ms = ARGV[1], ARGV[2], tonumber(ARGV[3])

local id, state, amount = unpack(redis.call('HMGET', transfer, 'id', 'state', 'amount'))
if not id then return { 'NONE' } end
if id ~= transfer_id then return { 'OTHER', id } end
if state == 'VOIDED' then return { 'ALREADY' } end
if state == 'POSTED' then return { 'POSTED' } end

local now = now_ms()
redis.call('HINCRBY', wallet, 'pending', string.format('%.0f', 0 - tonumber(amount)))
redis.call('HINCRBY', wallet, 'available', amount)
redis.call('HSET', transfer, 'state', 'VOIDED', 'ended', now)
redis.call('ZREM', pending, member)
redis.call('ZADD', over, now + kept_ms, member)
return { 'VOIDED' }
