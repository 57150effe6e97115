/** A server that cannot listen says which setting is to blame. */
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import uWS from 'uWebSockets.js';
import { expect, onTestFinished, test } from 'vitest';
import { listen } from './listen.ts';

function newApp() {
  const app = uWS.App();
  onTestFinished(() => void app.close());
  return app;
}

test('a port that another process has', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void other.close());
  await once(other, 'listening');
  const { port } = other.address() as AddressInfo;
  const listening = listen(newApp(), { host: '127.0.0.1', port, shared: false });
  await expect(listening).rejects.toThrow(new RegExp(`^PORT: ${port} on 127.0.0.1 is taken by another process`));
});

test.each(['256.1.1.1', '192.0.2.1', 'nowhere.invalid'])('the host %s, which is not of this machine', async (host) => {
  const listening = listen(newApp(), { host, port: 0, shared: false });
  await expect(listening).rejects.toThrow(`HOST: ${host} is not an address of this machine`);
});

test('a host by its name', async () => {
  const { port } = await listen(newApp(), { host: 'localhost', port: 0, shared: false });
  expect(port).toBeGreaterThan(0);
});
