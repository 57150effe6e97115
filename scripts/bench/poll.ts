/** Poll of a WAITING place: answered from the process' memory. */
import { openArena } from './arena.ts';
import { newUsers, openConcert, takePlaces } from './crowd.ts';
import { type Options, scaled } from './options.ts';
import { printRuns, printTargets, ratio } from './table.ts';
import { requestOf } from './wrk.ts';

export async function poll(options: Options): Promise<boolean> {
  const arena = await openArena({ env: { LIMIT_POLL_BURST: '0' } });
  try {
    const { client, onsale } = arena;
    const concertId = await openConcert(onsale.url);
    const members = await takePlaces(client, concertId, await newUsers(client, scaled(10_000, options)));
    const requests = members.map(({ claims: { queueId }, queueToken }) =>
      requestOf('GET', `/api/v1/queue/${queueId}`, { headers: { 'queue-token': queueToken } }),
    );
    const { status, bytes } = await arena.sample(requests[0] ?? '');
    if (status !== 200) throw new Error(`poll answered ${status}`);
    await arena.run({ requests, once: false, seconds: 2 });
    const polled = await arena.run({ requests, once: false, seconds: options.seconds });
    await arena.runBare({ requests, answerBytes: bytes, seconds: 1 });
    const bare = await arena.runBare({ requests, answerBytes: bytes, seconds: options.seconds });
    console.log('\nLIMIT_POLL_BURST=0: few places are asked about often here, which the limit is there to end.');
    printRuns([
      { what: `poll, ${members.length} places`, result: polled },
      { what: `bare GET, answer of ${bytes} bytes`, result: bare },
    ]);
    return printTargets([
      { what: 'poll / bare GET', ...ratio(polled, bare), min: 0.7 },
      { what: 'Redis commands per poll, the ticks of the room included', value: polled.commands, max: 0.01 },
    ]);
  } finally {
    await arena.close();
  }
}
