-- Writes a fact to the outbox of this slot, in the same script as the change it tells of. Flat fields, all strings:
-- `e` event name, `v` schema version, then the event's own. Nothing trims it but outbox/settle.
local function append_outbox(outbox, event, version, ...)
  return redis.call('XADD', outbox, '*', 'e', event, 'v', version, ...)
end
