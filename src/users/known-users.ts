/** Which users are there: those with a wallet. Only good news is remembered, a user may come into being any time. */
import { createRecent } from '../recent.ts';
import { LIMITS } from '../limits.ts';
import type { RedisClient } from '../redis/script.ts';
import type { Soon } from '../soon.ts';
import { openWallet, walletsAsked } from '../wallet/open.ts';

export interface KnownUsers {
  /** Whether a user who proved to be this one is there; with an outside provider they come into being by it. */
  admits(userId: string): Soon<boolean>;
  /** Whether there is such a user, asked by somebody else. */
  has(userId: string): Soon<boolean>;
}

/** `outside`: an outside identity provider says who is a user, and no sign-up has opened the wallet. */
export function createKnownUsers({ redis, outside }: { redis: RedisClient; outside: boolean }): KnownUsers {
  const known = createRecent<true>(LIMITS.KNOWN_USERS_KEPT);
  const hasWallet = walletsAsked({ redis });

  const has = (userId: string) => (known.get(userId) ? true : ask(userId));

  function ask(userId: string): Promise<boolean> {
    return hasWallet(userId).then((exists) => {
      if (exists) known.set(userId, true);
      return exists;
    });
  }

  async function admit(userId: string): Promise<boolean> {
    if (await ask(userId)) return true;
    await openWallet({ redis }, userId);
    known.set(userId, true);
    return true;
  }

  return { has, admits: outside ? (userId) => (known.get(userId) ? true : admit(userId)) : has };
}
