/**
 * Is this Redis one that keeps what it answered? `fsync` and `replica` refuse one that may lose acknowledged writes
 * (with `everysec`, a plain kill -9 lost 18,000 of 43,000) or evict keys; `memory` accepts any.
 */
import { type Config, ConfigError } from '../config.ts';
import { onEveryMaster } from './client.ts';
import type { RedisClient } from './script.ts';

const NEEDED: Record<string, string> = { appendonly: 'yes', appendfsync: 'always', 'maxmemory-policy': 'noeviction' };

/** Throws ConfigError where a master's settings do not fit `durability`, or Redis is older than 7.0. */
export async function checkDurability(redis: RedisClient, durability: Config['durability']): Promise<void> {
  await onEveryMaster(redis, async (node) => {
    const version = (await node.info('server')).match(/^(?:redis|valkey)_version:(\d+)/m)?.[1];
    if (Number(version) < 7)
      throw new ConfigError(`Redis ${version} is too old: 7.0 or later is needed (scripts with flags).`);
    if (durability === 'memory') return;
    for (const [name, needed] of Object.entries(NEEDED)) {
      const [, actual] = (await readSetting(node, name)) ?? [];
      if (actual !== needed) {
        throw new ConfigError(
          `REDIS_URL: this Redis has ${name} ${actual ?? '(unknown)'}, so it may lose or evict what was sold. Set \`${name} ${needed}\` there, or start with DURABILITY=memory to accept the loss.`,
        );
      }
    }
    const { aof_last_write_status: status } = Object.fromEntries(
      (await node.info('persistence')).split('\r\n').map((line) => line.split(':')),
    );
    if (status && status !== 'ok')
      throw new ConfigError('REDIS_URL: this Redis cannot write its append-only file (disk full?); see its log.');
  });
}

async function readSetting(
  node: { config(get: 'GET', name: string): Promise<unknown> },
  name: string,
): Promise<string[] | null> {
  try {
    const answer = await node.config('GET', name);
    if (Array.isArray(answer)) return answer as string[];
    return Object.entries(answer as Record<string, string>)[0] ?? null;
  } catch (error) {
    throw new ConfigError(
      `REDIS_URL: this Redis does not let us read its setting ${name} (${String(error)}). Allow CONFIG GET, or start with DURABILITY=memory where you know that it syncs its append-only file.`,
    );
  }
}
