import { Writable } from 'node:stream';
import { expect, test } from 'vitest';
import { createTeller } from '../../src/http/teller.ts';
import { routes } from '../../src/http/routes.ts';
import { createLog } from '../../src/observability/log.ts';
import { readMissed } from './postgres-away.ts';

test('the line of a server whose Redis did not answer in time is read, and no other', () => {
  const lines: string[] = [];
  const to = new Writable({
    write: (chunk, _, done) => {
      lines.push(String(chunk));
      done();
    },
  });
  const [route] = routes;
  if (!route) throw new Error('no route');
  for (const reason of ['Command timed out', 'Connection is closed.'])
    createTeller({ log: createLog('warn', 'server', to) }).failed(new Error(reason), { route, requestId: 'r' });
  expect(lines.map((line) => readMissed(line).length)).toEqual([1, 0]);
  expect(Math.abs(Date.now() - (readMissed(lines[0] ?? '')[0] ?? Number.NaN))).toBeLessThan(60_000);
});
