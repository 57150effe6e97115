#!lua flags=allow-oom
-- After the commit: takes exactly these entries out of a partition's outbox, and counts for each wallet up to which
-- number PostgreSQL has all of its entries. Numbers that come ahead of their turn wait in `gap`. Recorded entries but
-- the last `kept` leave the history. The only way out of an outbox. Safe to repeat.
-- KEYS[1] base    -       prefix of the partition
-- KEYS[2] outbox  stream  history entries not yet in PostgreSQL
-- ARGV[1] kept    how many recorded entries of a wallet stay in Redis
-- ARGV[2..] entry_id user_id n    a dead letter without user_id and n
-- DERIVED wallet, history, gap
-- Reply   SETTLED count
-- @include wallet_derived
local base, outbox = KEYS[1], KEYS[2]
local kept = tonumber(ARGV[1])

local entry_ids, came = {}, {}
for i = 2, #ARGV, 3 do
  local user_id, n = ARGV[i + 1], tonumber(ARGV[i + 2])
  entry_ids[#entry_ids + 1] = ARGV[i]
  if n then
    came[user_id] = came[user_id] or {}
    table.insert(came[user_id], n)
  end
end

-- Counts on through what waits, by at most 100 numbers a look: a wallet with a dead letter has a long gap for good.
-- What has come again, and was counted without its place in the gap, leaves it here.
local function count_on(gap, recorded)
  repeat
    local ahead, joined = redis.call('ZRANGE', gap, 0, 99), 0
    while (tonumber(ahead[joined + 1]) or math.huge) <= recorded + 1 do
      joined, recorded = joined + 1, math.max(recorded, tonumber(ahead[joined + 1]))
    end
    if joined > 0 then redis.call('ZREMRANGEBYRANK', gap, 0, joined - 1) end
  until joined < 100
  return recorded
end

for user_id, numbers in pairs(came) do
  local wallet, history, gap = wallet_key(base, user_id), history_key(base, user_id), gap_key(base, user_id)
  local recorded, first = unpack(redis.call('HMGET', wallet, 'recorded', 'first'))
  -- Without a wallet there is nothing to count; making one up would hide the loss from the audit.
  if recorded then
    recorded, first = tonumber(recorded), tonumber(first)
    table.sort(numbers)
    for _, n in ipairs(numbers) do
      if n == recorded + 1 then recorded = n
      elseif n > recorded then redis.call('ZADD', gap, n, n) end
    end
    recorded = count_on(gap, recorded)
    local keep_from = math.max(first, recorded - kept + 1)
    if keep_from > first then redis.call('LTRIM', history, keep_from - first, -1) end
    redis.call('HSET', wallet, 'recorded', recorded, 'first', keep_from)
  end
end
redis.call('XACK', outbox, 'relay', unpack(entry_ids))
return { 'SETTLED', redis.call('XDEL', outbox, unpack(entry_ids)) }
