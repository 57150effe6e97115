/** A port for uWebSockets.js. */
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
      else
        reject(
          new Error(
            `PORT: ${port} on ${host} is taken by another process, or is not ours to take. Choose another port.`,
          ),
        );
    });
  });
}
