-- Idempotency. `fingerprint` is '' where the call brought no key. Record: `<fingerprint> <cjson of the first reply>`.
-- repeat_of returns nil (not seen), or a reply to send: {'REPEAT', <first reply...>} or {'MISMATCH'}.
-- Only a success is stored; its elements are strings, so that no amount passes through a Lua number.
local IDEMPOTENCY_KEPT_MS = 24 * 3600 * 1000
local function repeat_of(key, fingerprint)
  if fingerprint == '' then return nil end
  local stored = redis.call('GET', key)
  if not stored then return nil end
  local first, reply = stored:match('^(%S+) (.*)$')
  if first ~= fingerprint then return { 'MISMATCH' } end
  reply = cjson.decode(reply)
  table.insert(reply, 1, 'REPEAT')
  return reply
end

local function repeat_store(key, fingerprint, reply)
  if fingerprint == '' then return end
  for i = 1, #reply do reply[i] = tostring(reply[i]) end
  redis.call('SET', key, fingerprint .. ' ' .. cjson.encode(reply), 'PX', IDEMPOTENCY_KEPT_MS)
end
