/** A user's money. */
import { isRefusal } from '../../errors.ts';
import { charge as chargeWallet } from '../../wallet/charge.ts';
import { readBalance } from '../../wallet/read-balance.ts';
import { readHistory } from '../../wallet/read-history.ts';
import { ok } from '../answer.ts';
import { refuseMoneyWhileFull } from '../guard.ts';
import type { HttpApp } from '../http-app.ts';
import type { Idempotency } from '../idempotency.ts';

interface Wallet {
  params: { userId: string };
}

export async function balance(app: HttpApp, { params }: Wallet) {
  const now = await readBalance(app, params.userId);
  return isRefusal(now) ? now : ok(now);
}

export async function charge(
  app: HttpApp,
  { params, body, idempotency }: Wallet & { body: { amount?: unknown }; idempotency: Idempotency },
) {
  refuseMoneyWhileFull(app);
  const charged = await chargeWallet(app, { userId: params.userId, amount: body.amount, idempotency });
  return isRefusal(charged) ? charged : ok(charged);
}

export async function history(app: HttpApp, { params, query }: Wallet & { query: { limit: number; cursor?: string } }) {
  const page = await readHistory(app, { userId: params.userId, limit: query.limit, cursor: query.cursor ?? null });
  return isRefusal(page) ? page : ok(page);
}
