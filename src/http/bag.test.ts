import { expect, test } from 'vitest';
import { Bag, type InBag } from './bag.ts';

test('holds what was added and not removed, in whatever order that is done, and however often', () => {
  const things = Array.from({ length: 40 }, (_, name) => ({ name, at: -1 }) satisfies InBag & { name: number });
  const bag = new Bag<(typeof things)[number]>();
  const expected = new Set<number>();
  let seed = 7;
  for (let step = 0; step < 20_000; step++) {
    seed = (seed * 48_271) % 2_147_483_647;
    const one = things[seed % things.length];
    if (!one) continue;
    if (seed % 5 < 2) {
      bag.add(one);
      expected.add(one.name);
    } else {
      bag.remove(one);
      expected.delete(one.name);
    }
    if (step % 100 === 0) expect(new Set(bag.all().map(({ name }) => name))).toEqual(expected);
  }
  expect(bag.all()).toHaveLength(expected.size);
});

test('who is removed while all are gone through is met all the same, and the others too', () => {
  const bag = new Bag<InBag>();
  for (let i = 0; i < 5; i++) bag.add({ at: -1 });
  let met = 0;
  for (const one of bag.all()) {
    met += 1;
    bag.remove(one);
  }
  expect([met, bag.all()]).toEqual([5, []]);
});
