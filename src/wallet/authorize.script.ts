import { defineScript } from '../redis/script.ts';

const transfer = ([transferId, balance]: string[]) => ({
  transferId: String(transferId),
  balance: Number(balance),
});

export const authorize = defineScript({
  file: 'wallet/authorize.lua',
  keys: ['wallet', 'transfer', 'pending', 'over', 'concerts'],
  args: ['member', 'concert_id', 'payment_id', 'transfer_id', 'amount', 'transfer_ms'],
  outcomes: {
    AUTHORIZED: transfer,
    PENDING: transfer,
    POSTED: transfer,
    INSUFFICIENT: ([balance]) => ({ balance: Number(balance) }),
    NO_WALLET: () => ({}),
  },
});
