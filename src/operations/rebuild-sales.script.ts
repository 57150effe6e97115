import { defineScript } from '../redis/script.ts';

export const rebuildSales = defineScript({
  file: 'operations/rebuild-sales.lua',
  keys: ['stock', 'bought', 'seats', 'status', 'seat_log'],
  moreKeys: 'reservation paid_by',
  args: ['schedule_id', 'currency'],
  moreArgs: [
    'reservation_id',
    'user_id',
    'seat_ids',
    'indexes',
    'prices',
    'count',
    'amount',
    'balance',
    'transfer_id',
    'paid_at',
    'recorded_at',
  ],
  outcomes: {
    REBUILT: () => ({}),
    TAKEN: ([reservationId = '', seatId = '']) => ({ reservationId, seatId }),
  },
});
