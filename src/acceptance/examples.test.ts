/** Each example of the documents is lived through: requests are sent as shown, answers are as shown. */
import { beforeAll, expect, test } from 'vitest';
import { openSocket } from '../testing/fan.ts';
import { OPERATOR_KEY } from '../testing/system.ts';
import { until } from '../testing/until.ts';
import { type Loose, systemUnderTest } from './contract.fixture.ts';
import { Examples } from './examples.fixture.ts';

const under = await systemUnderTest({ LIMIT_USER_PER_SECOND: '0', LIMIT_POLL_BURST: '0', LIMIT_LOGIN_PER_SECOND: '0' });
let examples: Examples;
let messages: Record<string, Loose>;
const operator = { bearer: OPERATOR_KEY };
const fan = { bearer: '' };
const place = { queue: '' };
const SEATS = 'GET /api/v1/concerts/{concertId}/schedules/{scheduleId}/seats';
const PLACE = '/api/v1/admin/concerts/{concertId}/queue/{queueId}';

beforeAll(async () => {
  examples = new Examples(under);
  messages = (await under.call('/asyncapi.json')).body.components.messages;
});

const said = (name: string) => examples.real(messages[name].examples[0].payload);
const heard = (name: string, message: unknown) => {
  examples.compared.add(name);
  examples.compare(messages[name].examples[0].payload, message, name);
};

test('the sale is prepared; Ann signs up and takes a place', async () => {
  await examples.expectShown('PUT /api/v1/admin/concerts/{concertId}', 201, operator);
  await examples.expectShown('PUT /api/v1/admin/concerts/{concertId}', 200, operator);
  await examples.expectShown('POST /api/v1/users', 201);
  fan.bearer = (await examples.expectShown('POST /api/v1/auth/login', 200)).body.accessToken;
  await until(async () => (await under.call('/api/v1/concerts')).body.concerts.length === 1);
  for (const path of ['', '/{concertId}', '/{concertId}/room'])
    await examples.expectShown(`GET /api/v1/concerts${path}`, 200);
  place.queue = (await examples.expectShown('POST /api/v1/queue', 201, fan)).body.token;
  await examples.expectShown('GET /api/v1/queue', 200, place);
  await examples.expectShown('GET /api/v1/queue/{queueId}', 200, place);
  await examples.expectShown('GET /api/v1/users/{userId}/places', 200, fan);
  expect(examples.compared).toContain('POST /api/v1/queue 201');
});

test('the door opens; she holds seats, cancels, holds them again, pays', async () => {
  const socket = await openSocket(under.url);
  const news = (type: string, member: string, value: unknown) =>
    socket.next((message) => message.type === type && (message[member] as Loose)?.status === value);
  socket.send(said('auth'));
  await news('ticket', 'ticket', 'WAITING');
  await examples.expectShown('PATCH /api/v1/admin/concerts/{concertId}/room', 200, operator);
  await examples.expectShown('GET /api/v1/admin/concerts/{concertId}/room', 200, operator);
  heard('room', await socket.next(({ type, room }) => type === 'room' && (room as Loose).state === 'OPEN'));
  heard('ticket', await news('ticket', 'ticket', 'ACTIVE'));
  socket.send(said('watch'));
  await socket.next((message) => message.type === 'seats' && message.full === true);
  await lookAround();
  await examples.expectShown('POST /api/v1/reservations', 201, place);
  heard('reservation', await news('reservation', 'reservation', 'HELD'));
  heard('seats', await socket.next((message) => message.type === 'seats' && message.full === undefined));
  await examples.expectShown('DELETE /api/v1/reservations/{reservationId}', 200, fan);
  await examples.expectShown('POST /api/v1/reservations', 201, place);
  await examples.expectShown('GET /api/v1/reservations/{reservationId}', 200, fan);
  await examples.expectShown('GET /api/v1/users/{userId}/reservations', 200, fan);
  await examples.expectShown(`GET ${PLACE}`, 200, operator);
  socket.send({ ...said('watch'), scheduleId: 'nowhere' });
  heard('error', await socket.next(({ type }) => type === 'error'));
  socket.send(said('unwatch'));
  await examples.expectShown('POST /api/v1/users/{userId}/balance', 200, fan);
  await examples.expectShown('GET /api/v1/users/{userId}/balance', 200, fan);
  const paid = await examples.expectShown('POST /api/v1/payments', 201, place);
  const { paymentId } = paid.body;
  await until(async () => (await under.call(`/api/v1/payments/${paymentId}`, fan)).body.recordedAt !== null);
  await examples.expectShown('GET /api/v1/payments/{paymentId}', 200, fan);
  await examples.expectShown('POST /api/v1/payments', 200, place);
  await examples.expectShown('GET /api/v1/users/{userId}/balance/history', 200, fan);
  socket.send(said('leave'));
  await socket.close();
  for (const name of ['auth', 'watch', 'unwatch', 'leave']) examples.compared.add(name);
  expect(socket.messages.filter(({ type }) => type === 'error')).toHaveLength(1);
});

async function lookAround(): Promise<void> {
  await examples.expectShown('GET /api/v1/concerts/schedules', 200, place);
  await examples.expectShown('GET /api/v1/concerts/{concertId}/schedules', 200, place);
  await examples.expectShown(SEATS, 200, place);
  await examples.expectShown('GET /api/v1/concerts/{concertId}/seats', 200, place);
}

function operationOf(call: string): Loose {
  const [method = '', path = ''] = call.split(' ');
  return under.openApi.paths[path][method.toLowerCase()];
}

test('operators and machines', async () => {
  await examples.expectShown('DELETE /api/v1/queue/{queueId}', 204, place);
  await examples.expectShown(`DELETE ${PLACE}`, 204, operator);
  await examples.expectShown('GET /api/v1/admin/concerts/{concertId}/stats', 200, operator);
  await examples.expectShown('GET /api/v1/admin/audit', 200, operator);
  await examples.expectShown('POST /api/v1/admin/concerts/{concertId}/room/reset', 200, operator);
  await examples.expectShown('GET /healthz', 200);
  await examples.expectShown('GET /readyz', 200);
  expect(examples.compared).toContain('GET /api/v1/admin/audit 200');
});

test('texts begin or hold what is shown', async () => {
  for (const path of ['/metrics', '/docs', '/openapi.json', '/asyncapi.json']) {
    const [[, { example }] = []] = Object.entries<Loose>(operationOf(`GET ${path}`).responses[200].content);
    const { body } = await under.call(path);
    if (typeof example === 'string') expect(body.replace(/process="\w+"/g, 'process="0"')).toContain(example);
    else expect(body).toMatchObject(example);
    examples.compared.add(`GET ${path} 200`);
  }
});

test('no example of an answer or a message was left out', () => {
  // An audit that takes more than 10 s cannot be had on demand; 304 shows nothing.
  const all = Object.entries<Loose>(under.openApi.paths).flatMap(([path, operations]) =>
    Object.entries<Loose>(operations).flatMap(([method, { responses }]) =>
      Object.keys(responses)
        .filter((status) => status.startsWith('2') && status !== '202')
        .map((status) => `${method.toUpperCase()} ${path} ${status}`),
    ),
  );
  expect([...all, ...Object.keys(messages)].filter((one) => !examples.compared.has(one))).toEqual([]);
});
