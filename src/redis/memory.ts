/** Watches how full Redis is: above a share of `maxmemory` joins and holds are refused, above a higher one payments and charges too. */
import { LIMITS } from '../limits.ts';
import { metrics } from '../observability/metrics.ts';
import { onEveryMaster } from './client.ts';
import type { RedisClient } from './script.ts';

export interface MemoryWatch {
  /** true while a master is so full that nothing new should begin */
  full(): boolean;
  /** true while a master is so full that the rest is for what empties it: BullMQ's jobs */
  brimful(): boolean;
  /** used_memory / maxmemory of the fullest master; 0 where there is no maxmemory */
  share(): number;
  stop(): void;
}

/** Reads every second; while Redis does not answer, the last reading stands. */
export function watchMemory(redis: RedisClient): MemoryWatch {
  let share = 0;
  async function read(): Promise<void> {
    let fullest = 0;
    await onEveryMaster(redis, async (node) => {
      const info = await node.info('memory');
      const value = (name: string) => Number(info.match(new RegExp(`^${name}:(\\d+)`, 'm'))?.[1] ?? 0);
      if (value('maxmemory') > 0) fullest = Math.max(fullest, value('used_memory') / value('maxmemory'));
    });
    share = fullest;
    metrics.redisMemoryShare.set(share);
  }
  const unanswered = () => {}; // readiness tells of a Redis that is away
  const timer = setInterval(() => void read().catch(unanswered), LIMITS.MEMORY_WATCH_MS);
  timer.unref();
  void read().catch(unanswered);
  return {
    full: () => share >= LIMITS.MEMORY_REFUSE_SHARE,
    brimful: () => share >= LIMITS.MEMORY_REFUSE_MONEY_SHARE,
    share: () => share,
    stop: () => clearInterval(timer),
  };
}
