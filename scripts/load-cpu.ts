/** How much of a core processes use, from /proc; nothing where there is none. */
import { readFileSync } from 'node:fs';

const EVERY_MS = 500;
/** of /proc/<pid>/stat, on every Linux that Node runs on */
const TICKS_A_SECOND = 100;

export interface CpuUse {
  /** of one core */
  meanPercent: number;
  /** over half a second; null where only the mean is known */
  peakPercent: number | null;
  /** 0 where it is not known */
  maxRssMb: number;
}

interface Sample {
  atMs: number;
  ticks: number;
}

function readTicks(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return Number(fields[11]) + Number(fields[12]);
}

function readRssMb(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/status`, 'utf8').match(/VmRSS:\s+(\d+)/)?.[1] ?? 0) / 1024;
}

function percent(from: Sample, to: Sample): number {
  return ((to.ticks - from.ticks) / TICKS_A_SECOND / ((to.atMs - from.atMs) / 1000)) * 100;
}

/** Watches until `end()`, which answers what each used; those that could not be seen are left out. */
export function watchCpu(pids: Record<string, number>): { end(): Record<string, CpuUse> } {
  const seen = new Map<string, { first: Sample; last: Sample; peak: number; rss: number }>();
  const look = () => {
    for (const [name, pid] of Object.entries(pids)) {
      try {
        const sample = { atMs: performance.now(), ticks: readTicks(pid) };
        const so = seen.get(name);
        if (so && sample.atMs - so.last.atMs < EVERY_MS / 2) continue;
        const peak = so ? Math.max(so.peak, percent(so.last, sample)) : 0;
        seen.set(name, {
          first: so?.first ?? sample,
          last: sample,
          peak,
          rss: Math.max(so?.rss ?? 0, readRssMb(pid)),
        });
      } catch {
        continue; // it has ended, or there is no /proc
      }
    }
  };
  look();
  const timer = setInterval(look, EVERY_MS);
  return {
    end() {
      clearInterval(timer);
      look();
      const uses: Record<string, CpuUse> = {};
      for (const [name, { first, last, peak, rss }] of seen) {
        if (last === first) continue;
        uses[name] = {
          meanPercent: Math.round(percent(first, last)),
          peakPercent: Math.round(peak),
          maxRssMb: Math.round(rss),
        };
      }
      return uses;
    },
  };
}

/** The CPU of all processes behind `/metrics`, for a server elsewhere: call at the beginning, and the answer at the end. */
export async function watchMetricsCpu(url: string): Promise<() => Promise<CpuUse | null>> {
  const read = async (): Promise<{ atMs: number; seconds: number } | null> => {
    try {
      const text = await (await fetch(`${url}/metrics`, { signal: AbortSignal.timeout(5_000) })).text();
      const values = [...text.matchAll(/^process_cpu_seconds_total(?:\{.*\})? (\S+)/gm)].map((match) =>
        Number(match[1]),
      );
      return { atMs: performance.now(), seconds: values.reduce((sum, value) => sum + value, 0) };
    } catch {
      return null; // it may be shut to us
    }
  };
  const first = await read();
  return async () => {
    const last = await read();
    if (!first || !last || last.seconds <= first.seconds) return null;
    const meanPercent = Math.round(((last.seconds - first.seconds) / ((last.atMs - first.atMs) / 1000)) * 100);
    return { meanPercent, peakPercent: null, maxRssMb: 0 };
  };
}
