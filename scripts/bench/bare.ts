/**
 * What everything is compared with, a process of its own: uWebSockets.js without any logic. GET answers at once, POST
 * when it has read the body; the answer's length is what the parent says. `/ws` follows one topic, to which the parent
 * has the same bytes published.
 */
import uWS from 'uWebSockets.js';

export type ToBare = { bodyBytes: number } | { publish: string };

let body = Buffer.alloc(0);

const app = uWS.App();
app.get('/*', (res) => void res.end(body));
app.post('/*', (res) => {
  let length = 0;
  let aborted = false;
  res.onAborted(() => void (aborted = true));
  res.onData((chunk, isLast) => {
    length += chunk.byteLength;
    if (!isLast || aborted) return;
    res.writeStatus(length > 0 ? '201 Created' : '400 Bad Request');
    res.end(body);
  });
});
app.ws('/ws', { compression: uWS.DISABLED, idleTimeout: 120, open: (ws) => void ws.subscribe('all'), message() {} });
app.listen('127.0.0.1', 0, (socket) => {
  if (!socket) throw new Error('no port');
  process.send?.({ port: uWS.us_socket_local_port(socket) });
});

process.on('message', (message: ToBare) => {
  if ('publish' in message) return void app.publish('all', message.publish);
  body = Buffer.alloc(message.bodyBytes, 'x');
  process.send?.({ bodyBytes: body.length });
});
process.on('disconnect', () => process.exit());
