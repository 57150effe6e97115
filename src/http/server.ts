/** The HTTP server of this process: the route table, served. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createOperatorKeys } from '../auth/operator-keys.ts';
import { asyncApiOf } from '../ws/asyncapi.ts';
import { linkJobs, loadAssets } from './assets.ts';
import { HttpServer } from './exchange.ts';
import type { HttpApp, ServedApp } from './http-app.ts';
import { openApiOf } from './openapi.ts';
import { routes } from './routes.ts';
import { createService } from './service.ts';

/** Where the set-up builds the pages. */
const WEB = fileURLToPath(new URL('../../dist/web', import.meta.url));

/** Not listening yet: the WebSocket is registered on its `app` first. */
export function createHttpServer(app: ServedApp): HttpServer {
  const version = versionOfPackage();
  const served: HttpApp = {
    ...app,
    operatorKeys: createOperatorKeys(app.config.operatorKeys),
    assets: linkJobs(loadAssets(WEB), app.config.jobsUrl),
    documents: { openApi: openApiOf(routes, version), asyncApi: asyncApiOf(version) },
    draining: () => server.draining,
  };
  const server: HttpServer = new HttpServer(createService(served, routes));
  return server;
}

function versionOfPackage(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
