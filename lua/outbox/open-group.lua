#!lua flags=allow-oom
-- Makes the relay's consumer group of an outbox, from the stream's beginning. XGROUP by itself is refused while Redis
-- is full, and then nothing would ever leave an outbox that no relay has read yet. Safe to repeat.
-- KEYS[1] outbox  stream  entries not yet in PostgreSQL
-- Reply   OPENED | ALREADY
local outbox = KEYS[1]

local reply = redis.pcall('XGROUP', 'CREATE', outbox, 'relay', '0', 'MKSTREAM')
if not reply.err then return { 'OPENED' } end
if reply.err:find('^BUSYGROUP') then return { 'ALREADY' } end
return reply
