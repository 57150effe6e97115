/** One concert's numbers over the last half hour, read every two seconds. */
import { useEffect, useState } from 'preact/hooks';
import type { Room, Stats } from '../../client/index.ts';
import { p99Between, readTotals, type Totals } from './metrics.ts';
import { AWAY, onsale, sentenceOf } from './operator.ts';

const EVERY_MS = 2_000;
const KEPT = 900;

export interface Sample {
  /** seconds since 1970, by the server */
  at: number;
  room: Room;
  stats: Stats;
  totals: Totals;
  /** per minute, since the sample before */
  admitted: number;
  noShows: number;
  conflicts: number;
  p99Ms: number | null;
  faults: number;
  /** expected against real wait: 0.5 is half as long again as it was */
  waitError: number | null;
}

export function useSamples(concertId: string): { samples: readonly Sample[]; fault: string } {
  const [samples, setSamples] = useState<readonly Sample[]>([]);
  const [fault, setFault] = useState('');
  useEffect(() => {
    let gone = false;
    let kept: Sample[] = [];
    setSamples([]);
    async function look(): Promise<void> {
      const read = await readSample(concertId, kept.at(-1));
      if (gone) return;
      if (typeof read === 'string') setFault(read);
      else {
        kept = [...kept.slice(-KEPT), read];
        setFault('');
        setSamples(kept);
      }
      timer = setTimeout(() => void look(), EVERY_MS);
    }
    let timer: ReturnType<typeof setTimeout> | undefined;
    void look();
    return () => {
      gone = true;
      clearTimeout(timer);
    };
  }, [concertId]);
  return { samples, fault };
}

const STALE = `${AWAY} The numbers here are the last ones that were read; they go on by themselves once it answers.`;

/** A sentence where it could not be read. */
async function readSample(concertId: string, before: Sample | undefined): Promise<Sample | string> {
  const client = onsale();
  const [room, stats, metrics] = await Promise.all([
    client.room({ concertId }),
    client.stats({ concertId }),
    fetch('/metrics').then(
      (response) => response.text(),
      () => null,
    ),
  ]);
  if (!room.ok) return room.code === 'NO_ANSWER' ? STALE : sentenceOf(room);
  if (!stats.ok) return stats.code === 'NO_ANSWER' ? STALE : sentenceOf(stats);
  if (metrics === null) return STALE;
  const totals = readTotals(metrics);
  const at = Date.parse(room.body.serverTime) / 1000;
  const minutes = before ? Math.max(0.01, (at - before.at) / 60) : 1;
  const rate = (now: number, then: number | undefined) => (before ? Math.max(0, now - (then ?? 0)) / minutes : 0);
  const waits = before ? totals.waits - before.totals.waits : 0;
  return {
    at,
    room: room.body,
    stats: stats.body,
    totals,
    admitted: rate(stats.body.admitted, before?.stats.admitted),
    noShows: rate(stats.body.noShows, before?.stats.noShows),
    conflicts: rate(totals.conflicts, before?.totals.conflicts),
    p99Ms: before ? p99Between(before.totals, totals) : null,
    faults: rate(totals.faults, before?.totals.faults),
    waitError: before && waits > 0 ? (totals.waitError - before.totals.waitError) / waits : null,
  };
}
