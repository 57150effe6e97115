/**
 * The worker's own page (OPERATOR_PORT): its jobs, through bull-board, and its probes, since a worker serves no other
 * HTTP. Behind the operator key as the password of Basic authentication; any user name.
 */
import { createBullBoard } from '@bull-board/api';
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import { HonoAdapter } from '@bull-board/hono';
import { serve } from '@hono/node-server';
import { serveStatic } from '@hono/node-server/serve-static';
import { Hono } from 'hono';
import { basicAuth } from 'hono/basic-auth';
import { createOperatorKeys } from '../auth/operator-keys.ts';
import type { Config } from '../config.ts';
import { openRedis } from '../redis/client.ts';
import { openQueue } from './jobs.ts';

interface PageDeps {
  config: Config;
  renderMetrics(): Promise<string>;
}

/** Listens on `config.operatorPort`; rejects where the port is taken. */
export async function startOperatorPage({
  config,
  renderMetrics,
}: PageDeps): Promise<{ port: number; stop(): Promise<void> }> {
  const connection = openRedis({ url: config.redisUrl, cluster: config.redisCluster }, 'patient');
  const queue = openQueue(connection);
  const board = new HonoAdapter(serveStatic);
  createBullBoard({ queues: [new BullMQAdapter(queue, { readOnlyMode: true })], serverAdapter: board });
  board.setBasePath('/jobs');

  const keys = createOperatorKeys(config.operatorKeys);
  const app = new Hono();
  app.get('/healthz', (c) => c.json({ status: 'alive' }));
  app.get('/metrics', async (c) => c.text(await renderMetrics()));
  app.use('*', basicAuth({ realm: 'onsale operators', verifyUser: (_user, password) => keys.fits(password) }));
  app.get('/', (c) => c.redirect('/jobs'));
  app.route('/jobs', board.registerPlugin());

  const server = serve({ fetch: app.fetch, hostname: config.host, port: config.operatorPort });
  const port = await new Promise<number>((resolve, reject) => {
    server.once('listening', () => resolve((server.address() as { port: number }).port));
    server.once('error', () =>
      reject(new Error(`OPERATOR_PORT: ${config.operatorPort} is taken by another process. Choose another port.`)),
    );
  });
  return {
    port,
    async stop() {
      server.close();
      await queue.close().catch(() => {}); // Redis away: nothing to close
      connection.disconnect();
    },
  };
}
