import type { Catalogue } from '../concerts/catalogue.ts';
import type { Catalogues } from '../concerts/catalogues.ts';
import { LIMITS } from '../limits.ts';
import { metrics } from '../observability/metrics.ts';
import { concertKeys } from '../redis/keys.ts';
import type { RedisClient } from '../redis/script.ts';
import { freeGone } from './free-gone.script.ts';
import { sweep } from './sweep.script.ts';

interface SweepDeps {
  redis: RedisClient;
  catalogues: Pick<Catalogues, 'reload'>;
}

/**
 * Ends all holds of a concert that are past their deadline now, and frees their seats. Safe from many processes.
 * @returns how many holds this call ended
 */
export async function sweepHolds(deps: SweepDeps, concertId: string): Promise<number> {
  const keys = concertKeys(concertId);
  let ended = 0;
  let oldestMs = 0;
  for (;;) {
    const swept = await sweep.run(deps.redis, { keys, args: { limit: LIMITS.SWEEP_A_CALL } });
    ended += swept.ended;
    oldestMs = Math.max(oldestMs, swept.lagMs);
    if (swept.gone.length > 0) await freeSeatsOfGone(deps, concertId, swept.gone);
    if (swept.looked < LIMITS.SWEEP_A_CALL) break;
  }
  metrics.sweepLagSeconds.set({ concert: concertId }, oldestMs / 1_000);
  if (ended > 0) metrics.swept.inc({ kind: 'holds' }, ended);
  return ended;
}

const SCAN_COUNT = 1_000;

/**
 * Frees the seats of holds whose records are gone. Their seats are known only to the hashes `seats`, which are walked:
 * it happens when no sweeper ran for 12 h.
 */
async function freeSeatsOfGone(
  { redis, catalogues }: SweepDeps,
  concertId: string,
  gone: readonly string[],
): Promise<void> {
  const keys = concertKeys(concertId);
  const catalogue = await catalogues.reload(concertId);
  const ids = new Set(gone);
  for (const schedule of catalogue?.schedules ?? []) {
    const named = await seatsNaming(redis, keys.seats(schedule.scheduleId), ids);
    for (let i = 0; i < named.length; i += LIMITS.SWEEP_A_CALL) {
      await freeGone.run(redis, {
        keys: {
          ...keys,
          seats: keys.seats(schedule.scheduleId),
          status: keys.status(schedule.scheduleId),
          seat_log: keys.seatLog(schedule.scheduleId),
        },
        args: { schedule_id: schedule.scheduleId },
        moreArgs: groupsOf(schedule, named.slice(i, i + LIMITS.SWEEP_A_CALL)),
      });
    }
  }
  await redis.zrem(keys.holds, ...gone);
}

function groupsOf(
  schedule: Catalogue['schedules'][number],
  named: readonly (readonly [seatId: string, reservationId: string])[],
): (string | number)[] {
  return named.flatMap(([seatId, reservationId]) => {
    const seat = schedule.seat(seatId);
    return seat ? [seatId, seat.index, reservationId] : [];
  });
}

async function seatsNaming(redis: RedisClient, seats: string, ids: ReadonlySet<string>): Promise<[string, string][]> {
  const named: [string, string][] = [];
  let cursor = '0';
  do {
    const [next, flat] = await redis.hscan(seats, cursor, 'COUNT', SCAN_COUNT);
    for (let i = 0; i + 1 < flat.length; i += 2) {
      const [seatId = '', reservationId = ''] = [flat[i], flat[i + 1]];
      if (ids.has(reservationId)) named.push([seatId, reservationId]);
    }
    cursor = next;
  } while (cursor !== '0');
  return named;
}
