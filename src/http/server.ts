/** The HTTP server of this process: the route table, served. */
import { createOperatorKeys } from '../auth/operator-keys.ts';
import { HttpServer } from './exchange.ts';
import type { HttpApp, ServedApp } from './http-app.ts';
import { routes } from './routes.ts';
import { createService } from './service.ts';

/** Not listening yet: the WebSocket is registered on its `app` first. */
export function createHttpServer(app: ServedApp): HttpServer {
  const served: HttpApp = {
    ...app,
    operatorKeys: createOperatorKeys(app.config.operatorKeys),
    draining: () => server.draining,
  };
  const server: HttpServer = new HttpServer(createService(served, routes));
  return server;
}
