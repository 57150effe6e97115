/** The people: accounts of our own, or those of an outside identity provider. */
import type { Passwords } from '../auth/passwords.ts';
import type { Tokens } from '../auth/tokens.ts';
import type { Refusal } from '../errors.ts';
import type { RedisClient } from '../redis/script.ts';
import { createFailedLogins } from './failed-logins.ts';
import { createKnownUsers, type KnownUsers } from './known-users.ts';
import { logIn } from './log-in.ts';
import type { LoggedIn, LoginInput, SignedUp, SignUpInput } from './shapes.ts';
import { signUp } from './sign-up.ts';

export interface UsersDeps {
  redis: RedisClient;
  tokens: Tokens;
  passwords: Passwords;
  config: { limits: { failedLoginsPerMinute: number } };
}

export interface Users extends KnownUsers {
  /** Refuses EMAIL_TAKEN. */
  signUp(input: SignUpInput): Promise<SignedUp | Refusal>;
  /** Refuses INVALID_CREDENTIALS and RATE_LIMITED. */
  logIn(input: LoginInput): Promise<LoggedIn | Refusal>;
}

export function createUsers({ redis, tokens, passwords, config }: UsersDeps): Users {
  const failedLogins = createFailedLogins(redis, config.limits.failedLoginsPerMinute);
  return {
    ...createKnownUsers({ redis, outside: tokens.outside }),
    signUp: (input) => signUp({ redis, passwords }, input),
    logIn: (input) => logIn({ redis, passwords, tokens, failedLogins }, input),
  };
}
