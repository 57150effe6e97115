-- Record of a reservation as a table of its fields (strings), nil where there is none. Fields:
--   user schedule seats indexes prices count amount currency   what is held; seats, indexes, prices comma separated
--   status HELD|CONFIRMED|CANCELLED|EXPIRED  created deadline ended   ms
--   transfer balance paid_at place outbox recorded_at    once CONFIRMED; balance is the wallet's after the payment
--   m:<transfer id>                              marks: that transfer can no longer confirm
local function reservation_read(key)
  local flat = redis.call('HGETALL', key)
  if #flat == 0 then return nil end
  local r = {}
  for i = 1, #flat, 2 do r[flat[i]] = flat[i + 1] end
  return r
end
