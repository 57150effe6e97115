/**
 * A Redis whose append-only file ends within a command or a script's block, after a power loss or on a full disk.
 *
 * With `aof-load-truncated yes`, its default, Redis cuts such an end off at the last whole command: the open MULTI stays
 * in the file, and at the second start the half of the script before the cut is run together with what was written since
 * (`npm run chaos -- torn-log`: each of 27 cuts did so, a hold without its outbox entry, money without its history).
 * With `no` it does not start, and the file is cut here at its last whole block before anything is loaded. BGREWRITEAOF
 * after each start would do too, save for a crash while it runs.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { launchRedis, type RedisLaunch, redisProgram } from './redis-process.ts';

const REPAIR_TIMEOUT_MS = 120_000;

const KEEP_WHOLE = { 'aof-load-truncated': 'no' };

/** What Redis logs when the append-only file ends within a command or a block, and nothing else is wrong with it. */
const TORN = 'Unexpected end of file reading the append only file';

/** As launchRedis(), with the cure; `tell` gets a line where the file has to be cut first. */
export async function launchWhole(launch: RedisLaunch, tell: (line: string) => void): Promise<number> {
  const whole = { ...launch, settings: { ...KEEP_WHOLE, ...launch.settings } };
  try {
    return await launchRedis(whole);
  } catch (error) {
    if (!(error as Error).message.includes(TORN) || !existsSync(join(launch.dir, 'appendonlydir'))) throw error;
    tell('the append-only file ends within a command (power loss or full disk): cutting it at the last whole one');
    await repair(launch.dir);
    return launchRedis(whole);
  }
}

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
