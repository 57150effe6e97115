/** Pay: look, authorize, confirm and post of a hold each, by queue tokens that are known. */
import { type Arena, openArena } from './arena.ts';
import { chargeStep, drive, type Held, holdStep, newHeld, openConcert, paySteps } from './crowd.ts';
import { admitted, known } from './hold.ts';
import { type Options, scaled } from './options.ts';
import { printRuns, printTargets, ratio } from './table.ts';
import { requestOf } from './wrk.ts';

export const MONEY = 1_000_000;

export async function pay(options: Options): Promise<boolean> {
  const arena = await openArena({ env: { LIMIT_POLL_BURST: '0' } });
  try {
    return await measure(arena, options);
  } finally {
    await arena.close();
  }
}

async function measure(arena: Arena, options: Options): Promise<boolean> {
  const [warmUps, payments] = [scaled(8_000, options), scaled(32_000, options)];
  const holds = await payable(arena, warmUps + payments);
  await known(
    arena,
    holds.map(({ member }) => member),
  );
  const requests = holds.map(({ member, reservationId }) =>
    requestOf('POST', '/api/v1/payments', { headers: { 'queue-token': member.queueToken }, body: { reservationId } }),
  );
  await arena.run({ requests: requests.slice(0, warmUps), once: true, seconds: 60 });
  const paid = await arena.run({ requests: requests.slice(warmUps), once: true, seconds: 60 });
  if (paid.refused > 0) throw new Error(`${paid.refused} payments were refused`);

  const rawHolds = await payable(arena, scaled(20_000, options));
  const raw = await arena.runRaw(rawHolds.map((held) => paySteps(held, { balance: MONEY })));
  if (raw.outcomes.POSTED !== raw.count) throw new Error(`the scripts alone answered ${JSON.stringify(raw.outcomes)}`);

  const { status, bytes } = await arena.sample(requests[0] ?? ''); // paid already: the same payment, as 200
  if (status !== 200) throw new Error(`a repeated payment answered ${status}`);
  await arena.runBare({ requests: requests.slice(0, 1), answerBytes: bytes, seconds: 1 });
  const bare = await arena.runBare({ requests: requests.slice(warmUps), answerBytes: bytes, seconds: options.seconds });
  printRuns([
    { what: 'pay', result: paid },
    { what: 'authorize, confirm, post alone, in turn', result: raw },
    { what: `bare POST, answer of ${bytes} bytes`, result: bare },
  ]);
  return printTargets([
    { what: 'pay / bare POST', ...ratio(paid, bare), min: 0.1 },
    { what: 'pay / its three scripts alone', value: paid.rate / raw.rate, min: 0.6 },
  ]);
}

/** So many people inside a hall of their own, each with money and a seat held. */
export async function payable(arena: Arena, count: number): Promise<Held[]> {
  const { client, onsale } = arena;
  const concertId = await openConcert(onsale.url, { seats: count });
  const holds = (await admitted(arena, concertId, count)).map(newHeld);
  await drive(
    client,
    holds.map(({ member }) => chargeStep(member.userId, MONEY)),
    'CHARGED',
  );
  await drive(
    client,
    holds.map((held, index) => holdStep(held, { scheduleId: 'd1', index })),
    'HELD',
  );
  return holds;
}
