import { defineScript } from '../redis/script.ts';
import { groupsOf } from './groups.ts';

export const auditTransfers = defineScript({
  file: 'operations/audit-transfers.lua',
  keys: ['base', 'transfers'],
  args: ['cursor', 'count'],
  outcomes: {
    TRANSFERS: ([nowMs, cursor], raw) => ({
      nowMs: Number(nowMs),
      cursor: String(cursor),
      transfers: groupsOf(raw[2], 5).map(transferOf),
    }),
  },
});

export type AuditedTransfer = ReturnType<typeof transferOf>;

function transferOf([member = '', transferId = '', state = '', amount, deadlineMs]: string[]) {
  const space = member.indexOf(' ');
  return {
    reservationId: member.slice(0, space),
    userId: member.slice(space + 1),
    transferId,
    /** '' where there is none */
    state,
    amount: Number(amount),
    /** after it, a PENDING one is the sweeper's */
    deadlineMs: Number(deadlineMs),
  };
}
