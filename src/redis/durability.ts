/**
 * Is this Redis one that keeps what it answered? `fsync` and `replica` refuse one that may lose acknowledged writes
 * (with `everysec`, a plain kill -9 lost 18,000 of 43,000), bring half of a script to life, or evict keys; `memory`
 * accepts any, and says so where an append-only file may come back in halves.
 */
import { type Config, ConfigError } from '../config.ts';
import type { Log } from '../observability/log.ts';
import { onEveryMaster } from './client.ts';
import type { RedisClient } from './script.ts';

/** Setting -> what it has to be, and what happens otherwise. */
const NEEDED = {
  appendonly: { value: 'yes', otherwise: 'it loses what was sold when it ends' },
  appendfsync: { value: 'always', otherwise: 'it may lose what it has answered' },
  'maxmemory-policy': { value: 'noeviction', otherwise: 'it may evict what was sold' },
  // src/local/torn-log.ts tells what happens.
  'aof-load-truncated': { value: 'no', otherwise: 'after a power loss half of a payment may come to life' },
};

type Name = keyof typeof NEEDED;
type Node = Parameters<Parameters<typeof onEveryMaster>[1]>[0];

/** Throws ConfigError where a master's settings do not fit `durability`, or Redis is older than 7.0. */
export async function checkDurability(redis: RedisClient, durability: Config['durability'], log: Log): Promise<void> {
  await onEveryMaster(redis, async (node) => {
    const version = (await node.info('server')).match(/^(?:redis|valkey)_version:(\d+)/m)?.[1];
    if (Number(version) < 7)
      throw new ConfigError(`Redis ${version} is too old: 7.0 or later is needed (scripts with flags).`);
    const { aof_enabled: logs, aof_last_write_status: status } = Object.fromEntries(
      (await node.info('persistence')).split('\r\n').map((line) => line.split(':')),
    );
    if (durability === 'memory') {
      if (logs === '1') await warnOfHalves(node, log);
      return;
    }
    for (const name of Object.keys(NEEDED) as Name[]) {
      const { value, otherwise } = NEEDED[name];
      const actual = await readSetting(node, name).catch(unreadable(name));
      if (actual !== value) {
        throw new ConfigError(
          `REDIS_URL: this Redis has ${name} ${actual ?? '(unknown)'}: ${otherwise}. Set \`${name} ${value}\` there, or start with DURABILITY=memory to accept the loss.`,
        );
      }
    }
    if (status && status !== 'ok')
      throw new ConfigError('REDIS_URL: this Redis cannot write its append-only file (disk full?); see its log.');
  });
}

async function warnOfHalves(node: Node, log: Log): Promise<void> {
  const name = 'aof-load-truncated';
  const { value, otherwise } = NEEDED[name];
  const actual = await readSetting(node, name).catch(() => undefined);
  if (actual !== value)
    log.warn(`REDIS_URL: this Redis has ${name} ${actual ?? '(unknown: it does not let us read it)'}: ${otherwise}`);
}

function unreadable(name: Name) {
  return (error: unknown): never => {
    throw new ConfigError(
      `REDIS_URL: this Redis does not let us read its setting ${name} (${String(error)}). Allow CONFIG GET, or start with DURABILITY=memory where you know that it syncs its append-only file.`,
    );
  };
}

async function readSetting(node: Node, name: Name): Promise<string | undefined> {
  const answer: unknown = await node.config('GET', name);
  return Array.isArray(answer) ? (answer as string[])[1] : (answer as Record<string, string>)[name];
}
