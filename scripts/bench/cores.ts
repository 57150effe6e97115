/** Where processes run, and how much of a core they take. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

/** The server under test and whatever it is compared with. */
export const SERVER_CORE = 0;
export const LOAD_CORE = 1;
const TICKS_A_SECOND = 100; // USER_HZ, the same on every Linux

export const canPin = process.platform === 'linux' && availableParallelism() >= 2;

/** A command that runs on one core where the system knows how; elsewhere it runs anywhere. */
export function onCore(core: number, file: string, args: readonly string[]): [file: string, args: string[]] {
  return canPin ? ['taskset', ['-c', String(core), file, ...args]] : [file, [...args]];
}

/** Moves a process with all its threads. */
export function pin(pid: number, core: number): void {
  if (!canPin) return;
  const { status, stderr } = spawnSync('taskset', ['-a', '-c', '-p', String(core), String(pid)], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`taskset: ${stderr}`);
}

/** Seconds of processor time that a process has used, all threads; 0 where it is gone or cannot be known. */
export function cpuSeconds(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND;
  } catch {
    return 0;
  }
}

/** Resident memory in bytes; 0 where it cannot be known. */
export function rssBytes(pid: number): number {
  try {
    const line = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
    return Number(line?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}

/** Shares of a core between two moments, by name. */
export class CpuMeter {
  readonly #pids: Readonly<Record<string, number>>;
  #from: Record<string, number> = {};
  #fromMs = 0;

  constructor(pids: Readonly<Record<string, number>>) {
    this.#pids = pids;
    this.start();
  }

  start(): void {
    this.#from = this.#read();
    this.#fromMs = performance.now();
  }

  /** since `start`: seconds on the clock, and of processor time by name */
  read(): { seconds: number; cpu: Record<string, number> } {
    const now = this.#read();
    const cpu = Object.fromEntries(Object.keys(now).map((name) => [name, (now[name] ?? 0) - (this.#from[name] ?? 0)]));
    return { seconds: (performance.now() - this.#fromMs) / 1000, cpu };
  }

  #read(): Record<string, number> {
    return Object.fromEntries(Object.entries(this.#pids).map(([name, pid]) => [name, cpuSeconds(pid)]));
  }
}
