/** Which users are there: those with a wallet. Only good news is remembered, a user may come into being any time. */
import { createRecent } from '../auth/recent.ts';
import { LIMITS } from '../limits.ts';
import type { RedisClient } from '../redis/script.ts';
import { openWallet, walletsAsked } from '../wallet/open.ts';

export interface KnownUsers {
  /** Whether a user who proved to be this one is there; with an outside provider they come into being by it. */
  admits(userId: string): Promise<boolean>;
  /** Whether there is such a user, asked by somebody else. */
  has(userId: string): Promise<boolean>;
}

/** `outside`: an outside identity provider says who is a user, and no sign-up has opened the wallet. */
export function createKnownUsers({ redis, outside }: { redis: RedisClient; outside: boolean }): KnownUsers {
  const known = createRecent<true>(LIMITS.KNOWN_USERS_KEPT);
  const hasWallet = walletsAsked({ redis });

  async function has(userId: string): Promise<boolean> {
    if (known.get(userId)) return true;
    const exists = await hasWallet(userId);
    if (exists) known.set(userId, true);
    return exists;
  }

  return {
    has,
    async admits(userId) {
      if (await has(userId)) return true;
      if (!outside) return false;
      await openWallet({ redis }, userId);
      known.set(userId, true);
      return true;
    },
  };
}
