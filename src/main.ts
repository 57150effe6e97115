/**
 * Start-up, on one screen: settings -> private servers -> one process or several; each: Redis -> HTTP and WebSocket,
 * loops and recorder, as its role says -> the line with the URL -> drain at a signal.
 */
import { resolve } from 'node:path';
import { inspect } from 'node:util';
import closeWithGrace from 'close-with-grace';
import { connectRedis, createApp } from './app.ts';
import { type Config, ConfigError, childEnvironment, loadDotEnv, readConfig } from './config.ts';
import { createHttpServer } from './http/server.ts';
import { assertLimits, LIMITS } from './limits.ts';
import { freePort, isFreePort } from './local/free-port.ts';
import { keptSecret } from './local/kept-secret.ts';
import { startLocalServers } from './local/local-servers.ts';
import { startLoops } from './loops.ts';
import { createLog, type Log } from './observability/log.ts';
import { startMetrics } from './observability/metrics.ts';
import { loadDemo } from './operations/demo.ts';
import { startOperatorPage } from './outbox/operator-page.ts';
import { startRecorder } from './outbox/recorder.ts';
import { createRelay } from './outbox/relay.ts';
import { joinParent, renderOwnMetrics, startChildren } from './processes.ts';
import { registerSockets } from './ws/socket.ts';

const DATA_DIR = resolve('.data');

/** What was started, last first when stopping. */
class Running {
  readonly #parts: { name: string; stop(): Promise<unknown> }[] = [];

  add(name: string, stop: () => Promise<unknown>): void {
    this.#parts.push({ name, stop });
  }

  async stop(log: Log): Promise<void> {
    for (const { name, stop } of this.#parts.toReversed()) {
      await stop().catch((error: unknown) => log.error({ err: error, part: name }, 'could not be stopped in order'));
    }
  }
}

async function main(): Promise<void> {
  assertLimits();
  loadDotEnv();
  const config = readConfig();
  const log = createLog(config.logLevel, config.child || 'main');
  const running = new Running();
  // A signal that arrives twice, as from npm and the terminal, is one: so the library, which takes the second for
  // impatience, gets neither.
  const grace = closeWithGrace(
    { delay: LIMITS.STOP_MS, logger: false, skip: ['SIGTERM', 'SIGINT'] },
    async ({ err }) => {
      if (err) log.fatal({ err }, 'unexpected fault; stopping');
      await running.stop(log);
    },
  );
  let asked = false;
  const stop = () => {
    if (asked) return;
    asked = true;
    grace.close();
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, stop);

  if (config.child) return runOne(config, { log, running, parent: joinParent(stop) });
  const ready = await prepare(config, { log, running });
  if (config.processes > 1) return runSeveral(ready, { log, running });
  return runOne(ready, { log, running, parent: null });
}

interface Start {
  log: Log;
  running: Running;
}

/** Fills in what is not set: private servers, kept secrets. Only the first process of a start does. */
async function prepare(config: Config, { log, running }: Start): Promise<Config> {
  const wants = {
    wantRedis: config.redisUrl === '',
    wantPostgres: config.databaseUrl === '',
  };
  const local = await startLocalServers({ dataDir: DATA_DIR, ...wants, log });
  running.add('private servers', () => local.stop());
  const keyFile = resolve(DATA_DIR, 'operator-key');
  return {
    ...config,
    redisUrl: local.redisUrl ?? config.redisUrl,
    databaseUrl: local.databaseUrl ?? config.databaseUrl,
    jwtSecrets: config.jwtSecrets.length > 0 ? config.jwtSecrets : [keptSecret(resolve(DATA_DIR, 'jwt-secret'))],
    operatorKeys: config.operatorKeys.length > 0 ? config.operatorKeys : [keptSecret(keyFile)],
    operatorKeyFile: config.operatorKeys.length > 0 ? '' : keyFile,
  };
}

/** One process with all that its role names. */
async function runOne(
  config: Config,
  { log, running, parent }: Start & { parent: ReturnType<typeof joinParent> | null },
): Promise<void> {
  startMetrics(config.child || 'main');
  const renderMetrics = parent ? parent.renderMetrics : renderOwnMetrics;
  const redis = await connectRedis(config, log);
  running.add('redis', async () => redis.disconnect());
  const app = createApp({
    config,
    log,
    redis,
    dataDir: DATA_DIR,
    renderMetrics,
  });
  running.add('app', () => app.stop());

  if (config.role !== 'server') {
    const recorder = startRecorder(app);
    const relay = createRelay({ ...app, whileFull: recorder.whileFull });
    running.add('relay', () => relay.stop());
    const loops = startLoops({ ...app, relay });
    running.add('loops and recorder', () => Promise.all([loops.stop(), recorder.stop()]));
    if (config.operatorPort > 0) {
      const page = await startOperatorPage(app);
      running.add('operator page', () => page.stop());
    }
    if (config.demo) await loadDemo(app);
  }
  let url = '';
  if (config.role !== 'worker') {
    const server = createHttpServer(app);
    const sockets = registerSockets(server.app, app);
    const port = await server.listen(config.host, config.port, {
      shared: config.child !== '',
    });
    url = `http://${config.host.includes(':') ? `[${config.host}]` : config.host}:${port}`;
    running.add('http', async () => {
      server.stopListening();
      await Promise.all([sockets.drain(), server.drain(LIMITS.DRAIN_MS)]);
      server.close();
    });
  }
  if (parent) parent.ready(url);
  else announce(config, url);
}

/** A parent and its children, who share the port. */
async function runSeveral(config: Config, { log, running }: Start): Promise<void> {
  const port = config.port === 0 ? await freePort() : config.port;
  if (config.role !== 'worker' && !(await isFreePort(port)))
    throw new ConfigError(`PORT: ${port} is taken by another process. Stop it, or choose another port.`);
  const shared = { ...config, port };
  const names = Array.from({ length: config.processes }, (_, index) => `${index + 1}`);
  const children = startChildren(
    names.map((name, index) =>
      childEnvironment(shared, {
        name,
        role: config.role === 'all' && index > 0 ? 'server' : config.role,
      }),
    ),
    log,
  );
  running.add('children', () => children.stop());
  await children.ready;
  announce(config, `http://${config.host}:${port}`);
}

/** The one line of a start. */
function announce(config: Config, url: string): void {
  const key = config.operatorKeyFile ? `; operator key in ${config.operatorKeyFile}` : '';
  const text = url ? `onsale is ready at ${url}${key}` : `onsale's worker is ready${key}`;
  process.stdout.write(`${text}\n`);
}

main().catch((error: unknown) => {
  // What the operator can mend is one line; what only we can mend has its stack.
  const told = error instanceof ConfigError || (error instanceof Error && error.constructor === Error);
  const text = told ? error.message : inspect(error);
  process.stderr.write(`onsale did not start: ${text}\n`);
  process.exit(1);
});
