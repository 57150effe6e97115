import { hash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import {
  accountKeys,
  concertKeys,
  directoryKeys,
  normaliseEmail,
  partitionKeys,
  WALLET_PARTITIONS,
  digest,
  userDigest,
  walletKeys,
  walletPartition,
} from './keys.ts';

/** What Redis Cluster hashes: the text between the first `{` and the next `}`, where there is any. */
function hashTag(key: string): string {
  return key.match(/^[^{]*\{([^}]+)\}/)?.[1] ?? key;
}

function flatten(keys: Record<string, unknown>): string[] {
  return Object.values(keys).map((key) => (typeof key === 'function' ? String(key('x', 'y', 'z')) : String(key)));
}

describe('slots', () => {
  test('all keys of a concert are in one slot, whatever a user or an outside id contains', () => {
    const keys = concertKeys('winter-night');
    const odd = ['{x}', '}{', 'a b', '{w:3}', ''].flatMap((id) => [
      keys.live(id),
      keys.ownedBy(id),
      keys.paidBy(id),
      keys.idempotency(id, 'join', id),
    ]);
    expect(new Set([...flatten(keys), ...odd].map((key) => hashTag(key))).size).toBe(1);
  });

  test('all keys of a wallet are in the slot of its partition', () => {
    for (const user of ['u_1', '{c:winter}', 'a|b c}']) {
      const slots = new Set(
        [...flatten(walletKeys(user)), ...flatten(partitionKeys(walletPartition(user)))].map((key) => hashTag(key)),
      );
      expect(slots.size).toBe(1);
    }
  });

  test('pinned: a change of these loses the data of every installation', () => {
    expect(WALLET_PARTITIONS).toBe(64);
    expect(hashTag(concertKeys('winter-night').room)).toBe(hashTag('{c:winter-night}'));
    expect(concertKeys('winter-night').room).toBe('{c:winter-night}:room');
    expect(walletKeys('u_1').wallet).toBe(`{w:${walletPartition('u_1')}}:u:u_1`);
    expect(walletKeys('é').concerts).toBe(`{w:${walletPartition('é')}}:concerts:é`);
    expect([walletPartition('u_1'), walletPartition('u_2'), walletPartition('someone@else')]).toMatchInlineSnapshot(`
			[
			  22,
			  4,
			  16,
			]
		`);
    expect(accountKeys('Ann@Example.com').account).toMatchInlineSnapshot(`"{a:cdT1X3L6Eo37RooaOQFQfI}:account"`);
    expect(directoryKeys.concerts).toBe('{directory}:concerts');
  });

  test('the three families cannot meet', () => {
    const tags = [concertKeys('w'), walletKeys('w'), accountKeys('w')].map((keys) => flatten(keys)[0]?.slice(0, 3));
    expect(new Set(tags).size).toBe(3);
  });
});

test('a partition is the first 32 bits of the hash, whoever was asked about before', () => {
  const users = Array.from({ length: 500 }, (_, i) => (i % 7 === 0 ? `é${i}` : `u_${i}`));
  for (const userId of [...users, ...users.toReversed()]) {
    const bits = hash('sha256', userId, 'hex').slice(0, 8);
    expect(walletPartition(userId)).toBe(Number.parseInt(bits, 16) % WALLET_PARTITIONS);
    expect(userDigest(userId)).toBe(digest(userId));
  }
});

test('partitions are filled evenly', () => {
  const filled = new Array<number>(WALLET_PARTITIONS).fill(0);
  for (let i = 0; i < 6400; i++) {
    const partition = walletPartition(`u_${i}`);
    filled[partition] = (filled[partition] ?? 0) + 1;
  }
  expect(Math.min(...filled)).toBeGreaterThan(50);
  expect(Math.max(...filled)).toBeLessThan(160);
});

test('emails are compared without case', () => {
  expect(normaliseEmail(' Ann@Example.COM ')).toBe('ann@example.com');
  expect(accountKeys('ANN@example.com')).toEqual(accountKeys('ann@example.com'));
});
