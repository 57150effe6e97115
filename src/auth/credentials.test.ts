import { describe, expect, test } from 'vitest';
import { isRefusal } from '../errors.ts';
import { type Auth, identify, type Presented } from './credentials.ts';
import { createOperatorKeys } from './operator-keys.ts';
import { createTokens } from './tokens.ts';

const KEY = 'operator-key-one';
const tokens = createTokens({ jwtSecrets: ['a secret of at least 32 characters'] });
const deps = { tokens, operatorKeys: createOperatorKeys([KEY, 'operator-key-two']) };
const place = { queueId: 'q_1', userId: 'ann', concertId: 'c', epoch: 'e', sequence: 1, joinedAtMs: 1 };
const ann = `Bearer ${tokens.signAccess('ann')}`;
const bob = `Bearer ${tokens.signAccess('bob')}`;
const queue = tokens.signQueue(place);

/** What came of it, in a word or two. */
async function outcome(auth: Auth, sent: Partial<Presented>): Promise<string> {
  const found = await identify(deps, { authorization: null, queueToken: null, userToken: null, ...sent }, auth);
  if (isRefusal(found)) return found.refused;
  if (found.operator) return 'operator';
  return `${found.userId ?? 'nobody'}${found.claims ? ' with place' : ''}${found.twoUsers ? ', two users' : ''}`;
}

describe.each<
  [
    Auth,
    Record<
      | 'nothing'
      | 'access'
      | 'queue'
      | 'both'
      | 'others'
      | 'badAccess'
      | 'badQueue'
      | 'goodAccessBadQueue'
      | 'badAccessGoodQueue'
      | 'operator',
      string
    >,
  ]
>([
  [
    'none',
    {
      nothing: 'nobody',
      access: 'nobody',
      queue: 'nobody',
      both: 'nobody',
      others: 'nobody',
      badAccess: 'nobody',
      badQueue: 'nobody',
      goodAccessBadQueue: 'nobody',
      badAccessGoodQueue: 'nobody',
      operator: 'nobody',
    },
  ],
  [
    'access',
    {
      nothing: 'UNAUTHENTICATED',
      access: 'ann',
      queue: 'UNAUTHENTICATED',
      both: 'ann with place',
      others: 'bob with place, two users',
      badAccess: 'UNAUTHENTICATED',
      badQueue: 'UNAUTHENTICATED',
      goodAccessBadQueue: 'ann',
      badAccessGoodQueue: 'UNAUTHENTICATED',
      operator: 'UNAUTHENTICATED',
    },
  ],
  [
    'access or desk',
    {
      nothing: 'UNAUTHENTICATED',
      access: 'ann',
      queue: 'UNAUTHENTICATED',
      both: 'ann with place',
      others: 'bob with place, two users',
      badAccess: 'UNAUTHENTICATED',
      badQueue: 'UNAUTHENTICATED',
      goodAccessBadQueue: 'ann',
      badAccessGoodQueue: 'UNAUTHENTICATED',
      operator: 'operator',
    },
  ],
  [
    'queue',
    {
      nothing: 'UNAUTHENTICATED',
      access: 'UNAUTHENTICATED',
      queue: 'ann with place',
      both: 'ann with place',
      others: 'bob with place, two users',
      badAccess: 'UNAUTHENTICATED',
      badQueue: 'UNAUTHENTICATED',
      goodAccessBadQueue: 'UNAUTHENTICATED',
      badAccessGoodQueue: 'ann with place',
      operator: 'UNAUTHENTICATED',
    },
  ],
  [
    'user',
    {
      nothing: 'UNAUTHENTICATED',
      access: 'ann',
      queue: 'ann with place',
      both: 'ann with place',
      others: 'bob with place, two users',
      badAccess: 'UNAUTHENTICATED',
      badQueue: 'UNAUTHENTICATED',
      goodAccessBadQueue: 'UNAUTHENTICATED',
      badAccessGoodQueue: 'UNAUTHENTICATED',
      operator: 'UNAUTHENTICATED',
    },
  ],
  [
    'user or desk',
    {
      nothing: 'UNAUTHENTICATED',
      access: 'ann',
      queue: 'ann with place',
      both: 'ann with place',
      others: 'bob with place, two users',
      badAccess: 'UNAUTHENTICATED',
      badQueue: 'UNAUTHENTICATED',
      goodAccessBadQueue: 'UNAUTHENTICATED',
      badAccessGoodQueue: 'UNAUTHENTICATED',
      operator: 'operator',
    },
  ],
  [
    'active',
    {
      nothing: 'UNAUTHENTICATED',
      access: 'ann',
      queue: 'ann with place',
      both: 'ann with place',
      others: 'bob with place, two users',
      badAccess: 'UNAUTHENTICATED',
      badQueue: 'UNAUTHENTICATED',
      goodAccessBadQueue: 'UNAUTHENTICATED',
      badAccessGoodQueue: 'UNAUTHENTICATED',
      operator: 'UNAUTHENTICATED',
    },
  ],
  [
    'place',
    {
      nothing: 'UNAUTHENTICATED',
      access: 'ann',
      queue: 'ann with place',
      both: 'ann with place',
      others: 'bob with place, two users',
      badAccess: 'UNAUTHENTICATED',
      badQueue: 'UNAUTHENTICATED',
      goodAccessBadQueue: 'UNAUTHENTICATED',
      badAccessGoodQueue: 'UNAUTHENTICATED',
      operator: 'UNAUTHENTICATED',
    },
  ],
  [
    'operator',
    {
      nothing: 'UNAUTHENTICATED',
      access: 'FORBIDDEN',
      queue: 'UNAUTHENTICATED',
      both: 'FORBIDDEN',
      others: 'FORBIDDEN',
      badAccess: 'FORBIDDEN',
      badQueue: 'UNAUTHENTICATED',
      goodAccessBadQueue: 'FORBIDDEN',
      badAccessGoodQueue: 'FORBIDDEN',
      operator: 'operator',
    },
  ],
])('%s', (auth, expected) => {
  const sent = {
    nothing: {},
    access: { authorization: ann },
    queue: { queueToken: queue },
    both: { authorization: ann, queueToken: queue },
    others: { authorization: bob, queueToken: queue },
    badAccess: { authorization: 'Bearer x.y.z' },
    badQueue: { queueToken: 'x.y.z' },
    goodAccessBadQueue: { authorization: ann, queueToken: 'x.y.z' },
    badAccessGoodQueue: { authorization: 'Bearer x.y.z', queueToken: queue },
    operator: { authorization: `Bearer ${KEY}` },
  } satisfies Record<string, Partial<Presented>>;

  test.each(Object.entries(sent))('%s', async (name, presented) => {
    expect(await outcome(auth, presented)).toBe(expected[name as keyof typeof expected]);
  });
});

test('USER-TOKEN: Bearer is an alias; Queue-Token wins', async () => {
  const alias = { userToken: `Bearer ${queue}` };
  expect(await outcome('queue', alias)).toBe('ann with place');
  expect(await outcome('queue', { userToken: queue })).toBe('UNAUTHENTICATED');
  expect(await outcome('queue', { ...alias, queueToken: 'x' })).toBe('UNAUTHENTICATED');
  expect(await outcome('queue', { userToken: 'Bearer x', queueToken: queue })).toBe('ann with place');
});

test('the scheme is Bearer, in any case', async () => {
  const token = tokens.signAccess('ann');
  expect(await outcome('user', { authorization: `bearer ${token}` })).toBe('ann');
  for (const authorization of [token, `Basic ${token}`, 'Bearer', 'Bearer ', `Bearer ${token},Bearer ${token}`, '']) {
    expect(await outcome('user', { authorization })).toBe('UNAUTHENTICATED');
  }
});

test('each operator key is good while rotating; none where they are off', async () => {
  const authorization = 'Bearer operator-key-two';
  expect(await outcome('operator', { authorization })).toBe('operator');
  expect(await outcome('operator', { authorization: 'Bearer operator-key-tw' })).toBe('FORBIDDEN');
  const off = { tokens, operatorKeys: createOperatorKeys('off') };
  for (const sent of [authorization, null]) {
    const found = await identify(off, { authorization: sent, queueToken: null, userToken: null }, 'operator');
    expect(found).toMatchObject({ refused: 'FORBIDDEN' });
  }
});
