import { createRecent } from '../recent.ts';
import { LIMITS } from '../limits.ts';
import { concertKeys } from '../redis/keys.ts';
import type { RedisClient } from '../redis/script.ts';
import { type Catalogue, catalogueOf, parseStored } from './catalogue.ts';

export interface Catalogues {
  /**
   * The catalogue as this process knows it, at most one tick old; null where there is no such concert.
   * Throws Unavailable, or what the Redis client throws, where neither memory nor Redis can tell.
   */
  get(concertId: string): Promise<Catalogue | null>;
  /** As `get` would answer, where memory alone can tell; else null. */
  peek(concertId: string): Catalogue | null;
  /** Reads it now. */
  reload(concertId: string): Promise<Catalogue | null>;
}

interface CataloguesDeps {
  redis: RedisClient;
  /** of the last tick; throws Unavailable where that is too old. Another epoch: the data in Redis may be other data */
  rooms: { view(concertId: string): Promise<State | null>; peek(concertId: string): State | undefined };
}

interface State {
  revision: number;
  epoch: string;
}

interface Known {
  epoch: string;
  catalogue: Catalogue;
}

/** Catalogues in memory, parsed once for each revision; those used of late are kept. */
export function createCatalogues({ redis, rooms }: CataloguesDeps): Catalogues {
  const known = createRecent<Known>(LIMITS.CATALOGUES_KEPT);
  const reading = new Map<string, Promise<Catalogue | null>>();

  async function read(concertId: string, epoch: string): Promise<Catalogue | null> {
    const stored = parseStored(await redis.hgetall(concertKeys(concertId).catalogue));
    if (!stored) return null;
    const before = known.get(concertId);
    if (before?.epoch === epoch && before.catalogue.revision === stored.revision) return before.catalogue;
    const catalogue = catalogueOf(concertId, stored);
    known.set(concertId, { epoch, catalogue });
    return catalogue;
  }

  /** Those who ask while it is being read for somebody else wait for that answer. */
  function readOnce(concertId: string, epoch: string): Promise<Catalogue | null> {
    let asked = reading.get(concertId);
    if (!asked) {
      asked = read(concertId, epoch).finally(() => reading.delete(concertId));
      reading.set(concertId, asked);
    }
    return asked;
  }

  function knownAt(concertId: string, view: State): Catalogue | null {
    const kept = known.get(concertId);
    return kept && kept.epoch === view.epoch && kept.catalogue.revision >= view.revision ? kept.catalogue : null;
  }

  return {
    async get(concertId) {
      const view = await rooms.view(concertId);
      return view && (knownAt(concertId, view) ?? readOnce(concertId, view.epoch));
    },
    peek(concertId) {
      const view = rooms.peek(concertId);
      return view ? knownAt(concertId, view) : null;
    },
    async reload(concertId) {
      const view = await rooms.view(concertId);
      // What is being read now may have been read before the caller's reason to ask.
      await reading.get(concertId)?.catch(() => {});
      return view && readOnce(concertId, view.epoch);
    },
  };
}
