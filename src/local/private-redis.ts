import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Log, ServerKind } from './private-server.ts';
import { askRedis } from './redis-process.ts';
import { launchWhole } from './torn-log.ts';

const SETTINGS = {
  save: '',
  appendonly: 'yes',
  appendfsync: 'always', // an answered purchase is on disk
  'maxmemory-policy': 'noeviction',
  'auto-aof-rewrite-min-size': '64mb',
};

/** The private Redis that keeps its data in that folder. */
export function privateRedis({ dataDir, log }: { dataDir: string; log: Log }): ServerKind {
  const dir = join(dataDir, 'redis');
  return {
    name: 'Redis',
    dir,
    noteFile: join(dataDir, 'redis.json'),
    launch(port, onSpawn) {
      mkdirSync(dir, { recursive: true, mode: 0o700 });
      return launchWhole({ port, dir, settings: SETTINGS, onSpawn }, (line) => log.warn(line));
    },
    ask: askRedis,
    // SIGKILL costs nothing that was answered, since the append-only file is on disk before each answer.
    endings: [
      { signal: 'SIGTERM', waitMs: 5000 },
      { signal: 'SIGKILL', waitMs: 2000 },
    ],
  };
}
