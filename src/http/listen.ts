/** A port for uWebSockets.js. */
import { createServer } from 'node:net';
import uWS, { type TemplatedApp, type us_listen_socket } from 'uWebSockets.js';

/** LIBUS_LISTEN_EXCLUSIVE_PORT; the types of 20.57 lack it. */
const EXCLUSIVE_PORT = 1;

type Listening = { socket: us_listen_socket; port: number };
type Listened = (socket: us_listen_socket | false) => void;
/** The form with four arguments is missing in the types of 20.57. */
type Listens = { listen(host: string, port: number, options: number, done: Listened): unknown };

/** An exclusive port fails where another process has it; uWS would share it silently, and lose half the requests to it. */
export function listen(
  app: TemplatedApp,
  { host, port, shared }: { host: string; port: number; shared: boolean },
): Promise<Listening> {
  return new Promise((resolve, reject) => {
    (app as unknown as Listens).listen(host, port, shared ? 0 : EXCLUSIVE_PORT, (socket) => {
      if (socket) resolve({ socket, port: uWS.us_socket_local_port(socket) });
      else void whyNot({ host, port }).then((reason) => reject(new Error(reason)));
    });
  });
}

/** uWS says that it failed and not why: Node, asked for the same port, names the error. */
async function whyNot({ host, port }: { host: string; port: number }): Promise<string> {
  const code = await new Promise<string>((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve('')));
  });
  switch (code) {
    case 'EADDRINUSE':
      return `PORT: ${port} on ${host} is taken by another process. Stop it, or choose another port.`;
    case 'EACCES':
      return `PORT: ${port} on ${host} is not ours to take (EACCES). Choose one above 1023.`;
    case '':
      return `PORT: ${port} on ${host} could not be taken, and is free now. Start again.`;
    case 'EADDRNOTAVAIL':
    case 'EAFNOSUPPORT':
    case 'EAI_AGAIN':
    case 'EINVAL':
    case 'ENOTFOUND':
      return `HOST: ${host} is not an address of this machine (${code}). Set one that is, or 0.0.0.0 for all of them.`;
    default:
      return `HOST, PORT: ${port} on ${host} cannot be listened on (${code}).`;
  }
}
