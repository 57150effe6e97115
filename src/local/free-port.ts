import { createServer } from 'node:net';

// Below the range from which systems take the source ports of outgoing connections (Linux: 32768 up, macOS: 49152
// up). A port of that range can be lost to any connection while its server restarts, even to a client's own attempt
// to reach it.
const LOWEST_PORT = 12_000;
const HIGHEST_PORT = 32_000;
const TRIES = 50;
const LAUNCH_TRIES = 5;

/** Whether this process could listen on that port of 127.0.0.1 just now. */
export function isFreePort(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/**
 * A port of 127.0.0.1 that nobody listens on. Somebody may take it before the caller does: whoever starts a server on
 * it checks by process id that the answering server is the one started.
 */
export async function freePort(): Promise<number> {
  for (let i = 0; i < TRIES; i++) {
    const port = LOWEST_PORT + Math.floor(Math.random() * (HIGHEST_PORT - LOWEST_PORT));
    if (await isFreePort(port)) return port;
  }
  throw new Error(`no free port between ${LOWEST_PORT} and ${HIGHEST_PORT} in ${TRIES} tries`);
}

/**
 * Starts a server on a port that was free a moment before, and on another one where the launch fails, since somebody
 * else may have taken it in between. A launch that fails with its port still free has another reason, and is not
 * repeated.
 * @param launch answers the server's process id, and rejects where another server answers on the port
 */
export async function launchOnFreePort(
  launch: (port: number) => Promise<number>,
): Promise<{ port: number; pid: number }> {
  for (let tries = 1; ; tries++) {
    const port = await freePort();
    try {
      return { port, pid: await launch(port) };
    } catch (error) {
      if (tries === LAUNCH_TRIES || (await isFreePort(port))) throw error;
    }
  }
}
