import { expect, test } from 'vitest';
import { sideBySide } from './loops.ts';

const EVERY_MS = 20;

test('an item that takes long keeps no other waiting, and is not begun twice', async () => {
  const begun: string[] = [];
  const slow = Promise.withResolvers<void>();
  const loop = sideBySide({
    items: async () => ['slow', 'quick'],
    everyMs: EVERY_MS,
    each: async (item) => {
      begun.push(item);
      if (item === 'slow') await slow.promise;
    },
  });
  await loop.run();
  await loop.run();
  await loop.run();
  expect(begun).toEqual(['slow', 'quick', 'quick', 'quick']);
  let idle = false;
  const waiting = loop.idle().then(() => (idle = true));
  await loop.run();
  expect(idle).toBe(false);
  slow.resolve();
  await waiting;
});

test('an item that fails keeps no other waiting, however many there are; its failure is told', async () => {
  const done = new Set<number>();
  const loop = sideBySide({
    items: async () => Array.from({ length: 250 }, (_, index) => index),
    everyMs: EVERY_MS,
    each: async (item) => {
      await Promise.resolve();
      if (item % 100 === 0) throw new Error(`item ${item} is damaged`);
      done.add(item);
    },
  });
  await expect(loop.run()).rejects.toThrow('item 0 is damaged');
  await loop.idle();
  expect(done.size).toBe(247);
});
