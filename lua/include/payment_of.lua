-- A payment as reply elements, out of the record of its reservation, in the order that src/payments/payment.ts reads:
-- transfer_id schedule_id seats prices amount currency balance paid_at recorded_at ('' until PostgreSQL has it)
local function payment_of(r)
  return r.transfer, r.schedule, r.seats, r.prices, r.amount, r.currency, r.balance, r.paid_at, r.recorded_at or ''
end
