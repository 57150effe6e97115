/** The calls of the client against the real server, over a network that loses replies. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, expectTypeOf, test } from 'vitest';
import { until } from '../testing/until.ts';
import { scene } from './client.fixture.ts';
import { createClient, must, NotDone, type Problems, repeat } from './index.ts';

const at = await scene();

test('from sign-up to a payment, each answer with its type', async () => {
  await at.concert('calls', { price: 700 });
  const email = `${crypto.randomUUID()}@example.com`;
  const { userId } = must(await at.client.signUp({ email, password: 'correct horse' }));
  const { accessToken } = must(await at.client.logIn({ email, password: 'correct horse' }));
  const fan = at.client.with({ accessToken });
  const joined = await fan.join({ concertId: 'calls' });
  expect(joined).toMatchObject({ ok: true, status: 201, requestId: expect.any(String), retryAfterSeconds: null });
  const buyer = fan.with({ queueToken: must(joined).token });
  await until(async () => must(await buyer.poll()).status === 'ACTIVE', { everyMs: 100 });

  const { schedules } = must(await buyer.schedules({ concertId: 'calls', soldOut: true, from: undefined }));
  const scheduleId = schedules[0]?.scheduleId ?? '';
  const map = await buyer.seats({ concertId: 'calls', scheduleId, status: 'AVAILABLE' });
  const { etag } = map.ok ? map : { etag: null };
  const same = await buyer.seats({ concertId: 'calls', scheduleId, status: 'AVAILABLE' }, { ifNoneMatch: etag ?? '' });
  expect(same).toMatchObject({ ok: true, status: 304, body: null });

  const { reservationId } = must(await buyer.hold({ scheduleId, seatIds: ['A-1-1'] }));
  const poor = await buyer.pay({ reservationId });
  if (poor.ok || poor.code !== 'INSUFFICIENT_BALANCE') throw new Error('paid without money');
  expectTypeOf(poor.problem.required).toBeNumber();
  expect(poor).toMatchObject({ status: 400, problem: { code: 'INSUFFICIENT_BALANCE', balance: 0, required: 700 } });
  must(await buyer.charge({ userId, amount: 1000 }));
  const paid = await buyer.pay({ reservationId });
  expect(paid).toMatchObject({ ok: true, status: 201, body: { reservationId, balance: 300 } });
  expect(await buyer.pay({ reservationId })).toMatchObject({ ok: true, status: 200 });
});

test('each call sends the credential that it takes', async () => {
  await at.concert('keys');
  const { client, userId } = await at.buyer('keys');
  const all = at.operator.with({ accessToken: 'not one' });
  expect(await all.stats({ concertId: 'keys' })).toMatchObject({ ok: true });
  expect(await all.with({ accessToken: undefined }).balance({ userId })).toMatchObject({ ok: true });
  expect(await all.join({ concertId: 'keys' })).toMatchObject({ ok: false, code: 'UNAUTHENTICATED', status: 401 });
  expect(await client.places({ userId })).toMatchObject({ ok: false, code: 'UNAUTHENTICATED' });
  expect(await client.leave({ queueId: 'another' })).toMatchObject({ ok: false, code: 'QUEUE_ID_MISMATCH' });
  expect(await client.balance({ userId }, { queueToken: 'not one' })).toMatchObject({ code: 'UNAUTHENTICATED' });
});

test('members of refusals: NOT_ACTIVE has the status of the place, beside that of HTTP', async () => {
  await at.concert('paused', { room: { state: 'PAUSED' } });
  const { client } = await at.fan();
  const { token } = must(await client.join({ concertId: 'paused' }));
  const refused = await client.with({ queueToken: token }).schedulesAndSeats();
  expect(refused).toMatchObject({ ok: false, status: 403, problem: { status: 'WAITING', position: 1 } });
  const again = await client.join({ concertId: 'paused' });
  if (again.ok || again.code !== 'ALREADY_QUEUED') throw new Error('two places');
  expectTypeOf(again.problem.ticket.token).toEqualTypeOf<string | undefined>();
  expectTypeOf<Problems['SEAT_TAKEN']['seatIds']>().toEqualTypeOf<string[]>();
  expect(again.problem.ticket.queueId).toMatch(/\S/);
  expect(() => must(again)).toThrow(NotDone);
});

test('a reply that is lost is NO_ANSWER; repeated with its key, the money is charged once', async () => {
  const { client, userId } = await at.fan();
  at.proxy.dropNextReply();
  const lost = await client.charge({ userId, amount: 500 });
  expect(lost).toMatchObject({ ok: false, code: 'NO_ANSWER', status: null, cause: expect.any(Error) });
  let tries = 0;
  const charged = await repeat((idempotencyKey) => {
    if (++tries <= 2) at.proxy.dropNextReply();
    return client.charge({ userId, amount: 10 }, { idempotencyKey });
  });
  expect(charged).toMatchObject({ ok: true, body: { balance: 510 } });
  expect(tries).toBe(3);
});

test('repeat ends with the first refusal, and with its time', async () => {
  const { client, userId } = await at.fan();
  let tries = 0;
  const refused = await repeat((idempotencyKey) => {
    tries++;
    return client.charge({ userId, amount: -1 }, { idempotencyKey });
  });
  expect(refused).toMatchObject({ code: 'INVALID_AMOUNT', problem: { min: 1 } });
  expect(tries).toBe(1);
  at.proxy.refuse(true);
  const cut = createClient({ baseUrl: at.client.baseUrl });
  at.proxy.cut();
  expect(await repeat(() => cut.concerts(), { forMs: 300 })).toMatchObject({ code: 'NO_ANSWER' });
  const ended = new AbortController();
  const waiting = repeat(() => cut.concerts(), { signal: ended.signal });
  ended.abort();
  expect(await waiting).toMatchObject({ code: 'NO_ANSWER' });
});

test('a call without an outcome for long is told of once, and one with an outcome is not', async () => {
  let told = 0;
  const onSlow = () => void told++;
  at.proxy.refuse(true);
  at.proxy.cut();
  const client = createClient({ baseUrl: at.client.baseUrl });
  const slow = repeat(() => client.concerts(), { onSlow });
  await until(() => told === 1, { timeoutMs: 10_000, what: 'the word that it is slow' });
  at.proxy.refuse(false);
  expect(await slow).toMatchObject({ ok: true });
  expect(await repeat(() => client.concerts(), { onSlow })).toMatchObject({ ok: true });
  await sleep(3_100);
  expect(told).toBe(1);
});

test('a deadline bounds each call, and what is no answer of onsale is none', async () => {
  const server = createServer((request, response) => {
    if (request.url?.includes('concerts/silent')) return;
    response.writeHead(502, { 'Content-Type': 'text/html', 'Retry-After': '7' }).end('<h1>Bad gateway</h1>');
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  const baseUrl = `http://127.0.0.1:${port}/`;
  const client = createClient({ baseUrl });
  const slow = await createClient({ baseUrl, deadlineMs: 100 }).concert({ concertId: 'silent' });
  expect(slow).toMatchObject({ code: 'NO_ANSWER', status: null, cause: { name: 'TimeoutError' } });
  expect(await client.concerts()).toMatchObject({ code: 'NO_ANSWER', status: 502, retryAfterSeconds: 7 });
  const signal = AbortSignal.abort();
  expect(await client.concerts({}, { signal })).toMatchObject({ code: 'NO_ANSWER', cause: { name: 'AbortError' } });
  server.closeAllConnections();
  await new Promise((closed) => server.close(closed));
});
