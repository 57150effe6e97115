import { execFile } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Log, ServerKind } from './private-server.ts';
import { askRedis, launchRedis, redisProgram } from './redis-process.ts';

const REPAIR_TIMEOUT_MS = 120_000;

const SETTINGS = {
  save: '',
  appendonly: 'yes',
  appendfsync: 'always', // an answered purchase is on disk
  'maxmemory-policy': 'noeviction',
  // With `yes` Redis cuts a torn end off in memory's favour: of a script's block that was half written at a power
  // loss, parts were seen to come back at the second restart, a hold without its outbox entry. With `no` it does not
  // start, and repair() cuts the file itself at the last whole block before anything is loaded. BGREWRITEAOF after
  // each start would do too, save for a crash while it runs.
  'aof-load-truncated': 'no',
  'auto-aof-rewrite-min-size': '64mb',
};

/** What Redis logs when the append-only file ends within a command or a block, and nothing else is wrong with it. */
const TORN = 'Unexpected end of file reading the append only file';

/** Cuts the file at the end of its last whole block. What goes was never answered: Redis answers after the fsync. */
function repair(dir: string): Promise<void> {
  const program = redisProgram().replace('-server', '-check-aof');
  const manifest = join(dir, 'appendonlydir', 'appendonly.aof.manifest');
  return new Promise((resolve, reject) => {
    const child = execFile(program, ['--fix', manifest], { timeout: REPAIR_TIMEOUT_MS }, (error, stdout) => {
      if (error)
        reject(new Error(`${program} --fix ${manifest}: ${stdout.trim().split('\n').at(-1) ?? error.message}`));
      else resolve();
    });
    child.stdin?.on('error', () => undefined); // it ended without asking; told by its exit code
    child.stdin?.end('y\n');
  });
}

/** The private Redis that keeps its data in that folder. */
export function privateRedis({ dataDir, log }: { dataDir: string; log: Log }): ServerKind {
  const dir = join(dataDir, 'redis');
  return {
    name: 'Redis',
    dir,
    noteFile: join(dataDir, 'redis.json'),
    async launch(port, onSpawn) {
      mkdirSync(dir, { recursive: true, mode: 0o700 });
      try {
        return await launchRedis({ port, dir, settings: SETTINGS, onSpawn });
      } catch (error) {
        if (!(error as Error).message.includes(TORN) || !existsSync(join(dir, 'appendonlydir'))) throw error;
        log.warn(
          'the append-only file ends within a command (power loss or full disk): cutting it at the last whole one',
        );
        await repair(dir);
        return launchRedis({ port, dir, settings: SETTINGS, onSpawn });
      }
    },
    ask: askRedis,
    // SIGKILL costs nothing that was answered, since the append-only file is on disk before each answer.
    endings: [
      { signal: 'SIGTERM', waitMs: 5000 },
      { signal: 'SIGKILL', waitMs: 2000 },
    ],
  };
}
