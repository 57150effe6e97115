import { defineScript } from '../redis/script.ts';
import { auditedPayments } from './audited-payment.ts';

export const auditPayments = defineScript({
  file: 'operations/audit-payments.lua',
  keys: ['base', 'outbox'],
  args: [],
  moreArgs: ['reservation_id'],
  outcomes: {
    PAYMENTS: (_rest, raw) => ({ reservations: auditedPayments(raw[0]) }),
  },
});
