import { defineScript } from '../redis/script.ts';
import { auditedPayments } from './audited-payment.ts';

export const auditSeats = defineScript({
  file: 'operations/audit-seats.lua',
  keys: ['base', 'seats', 'outbox'],
  args: ['cursor', 'count'],
  outcomes: {
    SEATS: ([cursor], raw) => ({ cursor: String(cursor), reservations: auditedPayments(raw[1]) }),
  },
});
