import { defineScript } from '../redis/script.ts';

export const freeGone = defineScript({
  file: 'reservations/free-gone.lua',
  keys: ['base', 'stock', 'seats', 'status', 'seat_log'],
  args: ['schedule_id'],
  moreArgs: ['seat_id', 'index', 'reservation_id'],
  outcomes: { FREED: ([seats]) => ({ seats: Number(seats) }) },
});
