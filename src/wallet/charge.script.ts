import { defineScript } from '../redis/script.ts';

const charged = ([balance, chargeId]: string[]) => ({
  balance: Number(balance),
  chargeId: String(chargeId),
});

export const charge = defineScript({
  file: 'wallet/charge.lua',
  keys: ['wallet', 'history', 'outbox', 'idempotency'],
  args: ['user_id', 'amount', 'wallet_max', 'charge_id', 'entry_prefix', 'fingerprint'],
  outcomes: {
    CHARGED: charged,
    TOO_MUCH: ([fits]) => ({ fits: Number(fits) }),
    NO_WALLET: () => ({}),
    REPEAT: ([, ...first]) => charged(first),
    MISMATCH: () => ({}),
  },
});
