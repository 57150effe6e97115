/** What the calls need of the program. src/app.ts builds it. */
import type { Tokens } from '../auth/tokens.ts';
import type { RedisClient } from '../redis/script.ts';

export interface HttpApp {
  redis: RedisClient;
  tokens: Tokens;
}
