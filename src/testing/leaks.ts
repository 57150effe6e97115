// Runs before every test file: one that leaves a connection, a listening port, a child process or a timer behind fails.
import { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll } from 'vitest';

// What closes on its own a moment after the last test, such as a socket whose other end was just stopped.
const GRACE_MS = 3000;
const WATCHED = ['TCPSocketWrap', 'TCPServerWrap', 'ProcessWrap'];

function count(): Map<string, number> {
  const active = process.getActiveResourcesInfo();
  return new Map(WATCHED.map((kind) => [kind, active.filter((resource) => resource === kind).length]));
}

const before = count();

function leaked(): string[] {
  return [...count()]
    .filter(([kind, n]) => n > (before.get(kind) ?? 0))
    .map(([kind, n]) => `${n - (before.get(kind) ?? 0)} ${kind}`);
}

/** Both ends of each socket; a handle that Node has lost the owner of has none. */
function ends(): string {
  const { _getActiveHandles: handles } = process as unknown as { _getActiveHandles(): unknown[] };
  const sockets = handles.call(process).filter((handle) => handle instanceof Socket);
  return sockets.map(({ localPort, remotePort }) => `${localPort} to ${remotePort}`).join(', ') || 'no socket';
}

afterAll(async () => {
  const deadline = performance.now() + GRACE_MS;
  while (leaked().length > 0 && performance.now() < deadline) await sleep(20);
  const left = leaked();
  if (left.length > 0) throw new Error(`this test file leaves open: ${left.join(', ')} (open now: ${ends()})`);
});
