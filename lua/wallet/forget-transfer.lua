#!lua flags=allow-oom
-- Forgets an ended transfer: a VOIDED one, or a POSTED one whose payment is in PostgreSQL. One that is POSTED and not
-- yet recorded is looked at again later; a PENDING one holds money and is never forgotten.
-- KEYS[1] transfer  hash  as for authorize
-- KEYS[2] over      zset  member by the time it may be forgotten
-- ARGV[1] member       `<reservation id> <user id>`
-- ARGV[2] transfer_id
-- ARGV[3] recorded     1 where the payment of this very id is in PostgreSQL
-- ARGV[4] later_ms
-- Reply   FORGOTTEN | KEPT | NONE
-- @include now_ms
local transfer, over = KEYS[1], KEYS[2]
local member, transfer_id, recorded, later_ms = ARGV[1], ARGV[2], ARGV[3] == '1', tonumber(ARGV[4])

local id, state = unpack(redis.call('HMGET', transfer, 'id', 'state'))
if not id then
  redis.call('ZREM', over, member)
  return { 'NONE' }
end
if id ~= transfer_id or state == 'PENDING' then return { 'KEPT' } end
if state == 'POSTED' and not recorded then
  redis.call('ZADD', over, 'XX', now_ms() + later_ms, member)
  return { 'KEPT' }
end

redis.call('DEL', transfer)
redis.call('ZREM', over, member)
return { 'FORGOTTEN' }
