import { expect, test } from 'vitest';
import { CLOSE } from '../errors.ts';
import { asyncApiOf } from './asyncapi.ts';
import { CLIENT_MESSAGES, readMessage, SERVER_MESSAGES } from './frames.ts';

type Json = { [member: string]: Json } & { $ref?: string };
const document = asyncApiOf('1.2.3') as unknown as Json;

/** What a reference names; throws where it names nothing. */
function resolve(ref: string): Json {
  const found = ref
    .slice(2)
    .split('/')
    .reduce<Json | undefined>((at, name) => at?.[name], document);
  if (!found) throw new Error(`${ref} names nothing`);
  return found;
}

function references(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, member]) =>
    name === '$ref' && typeof member === 'string' ? [member] : references(member),
  );
}

test('every reference of the document names something in it', () => {
  const all = references(document);
  expect(all.length).toBeGreaterThan(20);
  for (const ref of all) expect(resolve(ref)).toBeTypeOf('object');
});

test('it has every message, in the direction in which it is sent, with its payload', () => {
  const named = (operation: string) =>
    references(document.operations?.[operation]?.messages).map((ref) =>
      references([resolve(ref)])[0]
        ?.split('/')
        .at(-1),
    );
  expect(document.operations?.hear?.action).toBe('receive');
  expect(named('hear')).toEqual(Object.keys(CLIENT_MESSAGES));
  expect(document.operations?.tell?.action).toBe('send');
  expect(named('tell')).toEqual(Object.keys(SERVER_MESSAGES));
  for (const [name, message] of Object.entries(document.components?.messages ?? {}))
    expect(message).toMatchObject({ name, summary: expect.any(String), payload: { type: 'object' } });
  expect(Object.keys(document.components?.schemas ?? {})).toEqual(['Problem', 'Reservation', 'Room', 'Ticket']);
});

test('it names every close code', () => {
  const codes = Object.keys(document.channels?.socket?.['x-close-codes'] ?? {}).map(Number);
  expect(new Set(codes)).toEqual(new Set(Object.values(CLOSE)));
});

test('it holds nothing that JSON does not', () => {
  expect(JSON.parse(JSON.stringify(document))).toEqual(document);
  expect(JSON.stringify(document)).not.toContain('"$id"');
});

test.each([
  { type: 'auth', token: 'x' },
  { type: 'watch', scheduleId: 'd1' },
  { type: 'watch', scheduleId: 'd1', concertId: 'night', version: 7 },
  { type: 'unwatch', scheduleId: 'd1' },
  { type: 'unwatch', scheduleId: 'd1', concertId: 'night' },
  { type: 'leave', queueId: 'q_1' },
])('a client may say %o', (message) => {
  expect(readMessage(JSON.stringify(message))).toEqual(message);
});
