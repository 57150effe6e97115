import { setTimeout as sleep } from 'node:timers/promises';
import { type Refusal, refuse, Unavailable } from '../errors.ts';
import { concertKeys } from '../redis/keys.ts';
import type { RedisClient } from '../redis/script.ts';
import type { RoomView } from '../waiting-room/room-view.ts';
import { newRoomFields, ROOM_DEFAULTS, roomFields } from '../waiting-room/settings.ts';
import type { RoomSettings } from '../waiting-room/shapes.ts';
import { type Catalogue, catalogueOf, parseStored, type Stored } from './catalogue.ts';
import type { Catalogues } from './catalogues.ts';
import { checkInput, type Fault } from './check-input.ts';
import { compare, type Comparison } from './compare.ts';
import { concertOf, type ShownRoom } from './concert.ts';
import { enterDirectory } from './directory.ts';
import { importScript, type TakenSeat } from './import.script.ts';
import { seatAt } from './layout.ts';
import type { ConcertInput, ImportedConcert } from './shapes.ts';

export interface ImportDeps {
  redis: RedisClient;
  catalogues: Catalogues;
  rooms: { refresh(concertId: string): Promise<RoomView | null> };
  config: { currency: string };
}

interface ImportCall {
  concertId: string;
  input: ConcertInput;
  /** answer what would change, and change nothing */
  dryRun: boolean;
}

interface Imported {
  /** there was no such concert before */
  created: boolean;
  concert: ImportedConcert;
}

/** Others may import at the same time, and holds may end while it is looked at. */
const ATTEMPTS = 20;
const AGAIN_AFTER_MS = 50;

/**
 * Creates a concert or changes it to what the operator sent; what `room` does not name stays. Refuses VALIDATION, and
 * IMPORT_CONFLICT where a held or sold seat would be removed or repriced. Safe to repeat.
 */
export async function importConcert(deps: ImportDeps, call: ImportCall): Promise<Imported | Refusal> {
  const { concertId, input, dryRun } = call;
  const checked = checkInput(input, deps.config.currency);
  if ('faults' in checked) return refuse('VALIDATION', { errors: checked.faults });
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const stored = parseStored(await deps.redis.hgetall(concertKeys(concertId).catalogue));
    const comparison = compare(stored, checked);
    if (comparison.overgrown.length > 0) {
      return refuse('VALIDATION', { errors: comparison.overgrown.map((id) => overgrown(checked.schedules, id)) });
    }
    // Before the concert, or the outbox of one that was cut off here would be left unread.
    if (!stored && !dryRun) await enterDirectory(deps, concertId);
    const said = await write(deps, { ...call, stored, comparison });
    switch (said.outcome) {
      case 'DONE':
        return { created: !stored, concert: await answerOf(deps, { ...call, stored, comparison, nowMs: said.nowMs }) };
      case 'CONFLICT':
        return refuse('IMPORT_CONFLICT', { conflicts: conflictsOf(said.taken, { concertId, stored, comparison }) });
      case 'SWEEP':
        await sleep(AGAIN_AFTER_MS);
        break;
      case 'STALE':
        break;
    }
  }
  throw new Unavailable(`concert ${concertId} changes faster than it can be compared`);
}

interface Compared extends ImportCall {
  stored: Stored | null;
  comparison: Comparison;
}

function write({ redis }: ImportDeps, { concertId, input, dryRun, stored, comparison }: Compared) {
  const room = input.room ?? {};
  return importScript.run(redis, {
    keys: concertKeys(concertId),
    args: {
      revision: stored?.revision ?? 0,
      dry: dryRun ? 1 : 0,
      concert: JSON.stringify(comparison.next.concert),
      new_room: JSON.stringify(newRoomFields(room)),
      room_changes: JSON.stringify(roomFields(room)),
    },
    moreArgs: comparison.changes.flatMap(({ scheduleId, layout, guarded, bytes, freed }) => [
      scheduleId,
      layout ? JSON.stringify(layout) : '',
      guarded.map((range) => range.join(' ')).join(','),
      bytes.map((range) => range.join(' ')).join(','),
      freed,
    ]),
  });
}

async function answerOf(deps: ImportDeps, call: Compared & { nowMs: number }): Promise<ImportedConcert> {
  const { concertId, dryRun, comparison } = call;
  const view = await deps.rooms.refresh(concertId);
  if (dryRun) {
    return { ...concertOf(catalogueOf(concertId, comparison.next), roomAfter(view, call)), ...comparison.counts };
  }
  const catalogue = await deps.catalogues.reload(concertId);
  if (!view || !catalogue) throw new Unavailable(`concert ${concertId} was written and is gone`);
  return { ...concertOf(catalogue, view), ...comparison.counts };
}

/** What a dry run would make of the room. */
function roomAfter(
  view: RoomView | null,
  { concertId, input, comparison, nowMs }: Compared & { nowMs: number },
): ShownRoom {
  const stock = new Map(view?.stock);
  for (const { scheduleId, freed } of comparison.changes) {
    const { version = 0, free = 0 } = stock.get(scheduleId) ?? {};
    stock.set(scheduleId, { version: version + 1, free: free + freed });
  }
  const settings: RoomSettings = input.room ?? {};
  const { state = view?.state ?? ROOM_DEFAULTS.state, capacity = view?.capacity ?? ROOM_DEFAULTS.capacity } = settings;
  const opensAtMs =
    settings.opensAt === undefined ? (view?.opensAtMs ?? null) : settings.opensAt && Date.parse(settings.opensAt);
  const opened = state === 'CLOSED' && typeof opensAtMs === 'number' && opensAtMs <= nowMs;
  const counters = { admitted: 0, frontier: 0, waiting: 0, active: 0, ratePerSecond: 0, claimMs: 0 };
  return {
    ...(view ?? counters),
    concertId,
    state: opened ? 'OPEN' : state,
    opensAtMs: typeof opensAtMs === 'number' && opensAtMs > nowMs ? opensAtMs : null,
    capacity,
    seatsLeft: [...stock.values()].reduce((sum, { free }) => sum + free, 0),
    nowMs,
    stock,
  };
}

function conflictsOf(
  taken: readonly TakenSeat[],
  { concertId, stored, comparison }: { concertId: string; stored: Stored | null; comparison: Comparison },
): Fault[] {
  const after = catalogueOf(concertId, comparison.next);
  return taken.map(({ scheduleId, index, state }) => {
    const layout = stored?.layouts.get(scheduleId);
    return conflictOf({ scheduleId, seatId: (layout && seatAt(layout, index)) ?? '', state }, after);
  });
}

function conflictOf(
  { scheduleId, seatId, state }: { scheduleId: string; seatId: string; state: TakenSeat['state'] },
  after: Catalogue,
): Fault {
  const wish = after.schedule(scheduleId)?.seat(seatId) ? 'repriced' : 'removed';
  const is = state === 'SOLD' ? 'sold' : 'held';
  return { path: `/schedules/${scheduleId}/seats/${seatId}`, message: `${seatId} is ${is} and would be ${wish}` };
}

function overgrown(schedules: readonly { scheduleId: string }[], scheduleId: string): Fault {
  const at = schedules.findIndex((schedule) => schedule.scheduleId === scheduleId);
  return { path: `/schedules/${at}`, message: 'has had too many seats removed; give it a new scheduleId' };
}
