import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { expect, onTestFinished, test } from 'vitest';

/** A child as main.ts is one, which tells and asks its parent after the parent has gone. */
const CHILD = `
  import { joinParent } from ${JSON.stringify(new URL('processes.ts', import.meta.url).href)};
  process.on('error', (error) => console.log('error', error.code));
  // Ten times as long: the wait for a parent is told from a pause of the machine.
  const { setTimeout: wait } = globalThis;
  globalThis.setTimeout = (work, ms) => wait(work, 10 * ms);
  const parent = joinParent(async () => {
    const began = performance.now();
    parent.ready('http://127.0.0.1:1');
    const metrics = await parent.renderMetrics();
    console.log(metrics === '' ? 'no metrics' : 'metrics', performance.now() - began < 10_000 ? 'at once' : 'late');
  });
  parent.ready('');`;

test('a child whose parent was killed drains without an error, and answers a scrape with its own metrics', async () => {
  const args = ['--input-type=module', '-e', CHILD];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  await once(child, 'message');
  child.disconnect();
  if (!child.stdout) throw new Error('unreachable');
  const told = await text(child.stdout);
  expect(told).not.toContain('error');
  expect(told).toMatch(/metrics at once\n$/);
});
