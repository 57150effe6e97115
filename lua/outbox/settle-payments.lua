#!lua flags=allow-oom
-- After the commit: takes exactly these entries out of a concert's outbox, and notes on those payments that PostgreSQL
-- has them. The only way out of an outbox. Safe to repeat: the first recorded_at stands.
-- KEYS[1] outbox         stream  payments not yet in PostgreSQL
-- KEYS[2..] reservation  hash    of each entry that was recorded, in the order of the first entry ids
-- ARGV[1..] entry_id     the recorded ones first, then those that are dead letters now
-- Reply   SETTLED count recorded_at_ms
-- @include now_ms
local outbox = KEYS[1]
local now = now_ms()

for i = 2, #KEYS do
  -- Where the record is gone or not confirmed, writing would make one up: the audit tells of it instead.
  if redis.call('HGET', KEYS[i], 'status') == 'CONFIRMED' then redis.call('HSETNX', KEYS[i], 'recorded_at', now) end
end
redis.call('XACK', outbox, 'relay', unpack(ARGV))
return { 'SETTLED', redis.call('XDEL', outbox, unpack(ARGV)), now }
