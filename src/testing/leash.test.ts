import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { startedAt } from '../local/processes.mjs';

const START_AND_WAIT = `
  const { startRedis } = await import(${JSON.stringify(new URL('redis-server.ts', import.meta.url).href)});
  const { pid, dir } = await startRedis();
  console.log(JSON.stringify({ pid, dir }));
  setInterval(() => undefined, 1000);
`;

test('a server of a test ends with its process, however that ends', async () => {
  const parent = spawn(process.execPath, ['--input-type=module', '-e', START_AND_WAIT], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(parent.stdout, 'data')) as [Buffer];
  const { pid, dir } = JSON.parse(line.toString()) as { pid: number; dir: string };
  expect(startedAt(pid)).toBeDefined();
  parent.kill('SIGKILL');
  await expect.poll(() => startedAt(pid)).toBeUndefined();
  await expect.poll(() => existsSync(dir)).toBe(false);
});
