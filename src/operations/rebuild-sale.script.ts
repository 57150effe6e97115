import { defineScript } from '../redis/script.ts';

export const rebuildSale = defineScript({
  file: 'operations/rebuild-sale.lua',
  keys: ['stock', 'bought', 'paid_by', 'reservation', 'seats', 'status', 'seat_log'],
  args: [
    'reservation_id',
    'user_id',
    'schedule_id',
    'seat_ids',
    'indexes',
    'prices',
    'count',
    'amount',
    'currency',
    'balance',
    'transfer_id',
    'paid_at',
    'recorded_at',
  ],
  outcomes: { REBUILT: () => ({}), ALREADY: () => ({}), TAKEN: ([seatId = '']) => ({ seatId }) },
});
