import { type Refusal, refuse } from '../errors.ts';
import { newId } from '../ids.ts';
import { LIMITS } from '../limits.ts';
import { walletKeys } from '../redis/keys.ts';
import type { RedisClient } from '../redis/script.ts';
import { charge as script } from './charge.script.ts';
import { entryPrefix } from './entry.ts';
import type { Charge } from './shapes.ts';

interface ChargeCall {
  userId: string;
  /** as it came: anything but an integer within the bounds is refused */
  amount: unknown;
  idempotency: { key: string; fingerprint: string } | null;
}

/**
 * Adds money to a user's wallet, in the smallest unit of the currency. A repeat by Idempotency-Key gives the first
 * answer. Refuses INVALID_AMOUNT, USER_NOT_FOUND and IDEMPOTENCY_MISMATCH.
 */
export async function charge(
  deps: { redis: RedisClient; config: { currency: string } },
  { userId, amount, idempotency }: ChargeCall,
): Promise<Charge | Refusal> {
  const keys = walletKeys(userId);
  if (!isAmount(amount)) return invalidAmount(await fitsInto(deps.redis, userId));
  const charged = await script.run(deps.redis, {
    keys: { ...keys, idempotency: idempotency ? keys.idempotency('charge', idempotency.key) : keys.noIdempotency },
    args: {
      user_id: userId,
      amount,
      wallet_max: LIMITS.WALLET_MAX,
      charge_id: newId('chg'),
      entry_prefix: entryPrefix(userId),
      fingerprint: idempotency?.fingerprint ?? '',
    },
  });
  switch (charged.outcome) {
    case 'CHARGED':
    case 'REPEAT':
      return { userId, balance: charged.balance, currency: deps.config.currency, chargeId: charged.chargeId };
    case 'TOO_MUCH':
      return invalidAmount(charged.fits);
    case 'NO_WALLET':
      return refuse('USER_NOT_FOUND');
    case 'MISMATCH':
      return refuse('IDEMPOTENCY_MISMATCH');
  }
}

function isAmount(amount: unknown): amount is number {
  return Number.isInteger(amount) && Number(amount) >= LIMITS.CHARGE_MIN && Number(amount) <= LIMITS.CHARGE_MAX;
}

/** `max` is what this wallet still takes in one charge: 0 where it is full. */
function invalidAmount(fits: number): Refusal {
  return refuse('INVALID_AMOUNT', { min: LIMITS.CHARGE_MIN, max: Math.min(fits, LIMITS.CHARGE_MAX) });
}

async function fitsInto(redis: RedisClient, userId: string): Promise<number> {
  const [available, pending] = await redis.hmget(walletKeys(userId).wallet, 'available', 'pending');
  return LIMITS.WALLET_MAX - Number(available ?? 0) - Number(pending ?? 0);
}
