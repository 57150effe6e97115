/** Charge: money into wallets, by access tokens that are known. */
import { openArena } from './arena.ts';
import { bearerOf, chargeStep, newUsers } from './crowd.ts';
import { type Options, scaled } from './options.ts';
import { printRuns, printTargets, ratio } from './table.ts';
import { requestOf } from './wrk.ts';

export async function charge(options: Options): Promise<boolean> {
  const arena = await openArena({ env: { LIMIT_USER_BURST: '0' } });
  try {
    console.log('\nLIMIT_USER_BURST=0: each of few users charges many times within a second here.');
    const { client } = arena;
    const users = await newUsers(client, scaled(10_000, options));
    const requests = users.map((userId) =>
      requestOf('POST', `/api/v1/users/${userId}/balance`, {
        headers: { authorization: bearerOf(userId) },
        body: { amount: 1_000 },
      }),
    );
    const { status, bytes } = await arena.sample(requests[0] ?? '');
    if (status !== 200) throw new Error(`charge answered ${status}`);
    await arena.run({ requests, once: false, seconds: 2 });
    const charged = await arena.run({ requests, once: false, seconds: options.seconds });
    const rounds = Array.from({ length: scaled(60_000, options) }, (_, i) => users[i % users.length] ?? '');
    const raw = await arena.runRaw(rounds.map((userId) => [chargeStep(userId, 1_000)]));
    await arena.runBare({ requests, answerBytes: bytes, seconds: 1 });
    const bare = await arena.runBare({ requests, answerBytes: bytes, seconds: options.seconds });
    printRuns([
      { what: 'charge', result: charged },
      { what: 'the script alone', result: raw },
      { what: `bare POST, answer of ${bytes} bytes`, result: bare },
    ]);
    return printTargets([
      { what: 'charge / bare POST', ...ratio(charged, bare), min: 0.3 },
      { what: 'charge / its script alone', value: charged.rate / raw.rate, min: 0.6 },
    ]);
  } finally {
    await arena.close();
  }
}
