import type { Passwords } from '../auth/passwords.ts';
import type { Tokens } from '../auth/tokens.ts';
import { type Refusal, refuse, Unavailable } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { accountKeys } from '../redis/keys.ts';
import type { RedisClient } from '../redis/script.ts';
import { openWallet } from '../wallet/open.ts';
import type { FailedLogins } from './failed-logins.ts';
import { readAccount } from './read-account.script.ts';
import type { LoggedIn, LoginInput } from './shapes.ts';

export interface LogInDeps {
  redis: RedisClient;
  passwords: Passwords;
  tokens: Tokens;
  failedLogins: FailedLogins;
}

/**
 * An access token for an email and its password. Refuses INVALID_CREDENTIALS, after as long a time whether or not
 * there is such an account, and RATE_LIMITED after too many failures.
 */
export async function logIn(deps: LogInDeps, { email, password }: LoginInput): Promise<LoggedIn | Refusal> {
  const { account } = accountKeys(email);
  // In turn for one email: attempts at the same time would all be let in before the first failure is counted.
  return inTurn(account, async () => {
    const retryAfterSeconds = await deps.failedLogins.blockedForSeconds(email);
    if (retryAfterSeconds > 0) return refuse('RATE_LIMITED', { retryAfterSeconds });
    const kept = await readAccount.run(deps.redis, { keys: { account }, args: {} });
    const hash = kept.outcome === 'ACCOUNT' ? kept.password : null;
    if (!(await deps.passwords.fits(password, hash)) || kept.outcome === 'NONE') {
      await deps.failedLogins.note(email);
      return refuse('INVALID_CREDENTIALS');
    }
    const { userId } = kept;
    await openWallet(deps, userId);
    return {
      accessToken: deps.tokens.signAccess(userId),
      tokenType: 'Bearer',
      expiresInSeconds: LIMITS.ACCESS_TOKEN_SECONDS,
      userId,
    };
  });
}

const turns = new Map<string, { last: Promise<unknown>; length: number }>();

/** Runs one task at a time under a name; throws Unavailable where too many wait for it already. */
async function inTurn<T>(name: string, task: () => Promise<T>): Promise<T> {
  const turn = turns.get(name) ?? { last: Promise.resolve(), length: 0 };
  if (turn.length >= LIMITS.LOGINS_OF_ONE_EMAIL_AT_ONCE)
    throw new Unavailable('too many logins with one email at once');
  const mine = turn.last.then(task, task);
  turn.last = mine;
  turn.length += 1;
  turns.set(name, turn);
  try {
    return await mine;
  } finally {
    turn.length -= 1;
    if (turn.length === 0) turns.delete(name);
  }
}
