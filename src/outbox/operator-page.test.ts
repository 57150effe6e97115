import { afterAll, beforeAll, expect, test } from 'vitest';
import { readConfig } from '../config.ts';
import { testRedisUrl } from '../testing/connect.ts';
import { startOperatorPage } from './operator-page.ts';

const KEY = 'operator-key-of-the-tests';
let page: Awaited<ReturnType<typeof startOperatorPage>>;
let base: string;

beforeAll(async () => {
  const { url } = await testRedisUrl();
  const config = readConfig({ REDIS_URL: url, OPERATOR_KEY: KEY });
  page = await startOperatorPage({ config, renderMetrics: async () => 'onsale_up 1\n' });
  base = `http://127.0.0.1:${page.port}`;
});

afterAll(() => page.stop());

const asOperator = (key: string) => ({
  headers: { authorization: `Basic ${btoa(`operator:${key}`)}`, connection: 'close' },
});

test('probes need no key', async () => {
  expect((await fetch(`${base}/healthz`, { headers: { connection: 'close' } })).status).toBe(200);
  expect(await (await fetch(`${base}/metrics`, { headers: { connection: 'close' } })).text()).toContain('onsale_up 1');
});

test('the jobs are behind the operator key', async () => {
  expect((await fetch(`${base}/jobs`, { headers: { connection: 'close' } })).status).toBe(401);
  expect((await fetch(`${base}/jobs/api/queues`, asOperator('another key'))).status).toBe(401);
  const answer = await fetch(`${base}/jobs/api/queues`, asOperator(KEY));
  expect(answer.status).toBe(200);
  expect(await answer.json()).toMatchObject({ queues: [{ readOnlyMode: true }] });
  expect(await (await fetch(`${base}/jobs`, asOperator(KEY))).text()).toContain('Bull');
});
