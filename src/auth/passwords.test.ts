import { expect, test } from 'vitest';
import { Unavailable } from '../errors.ts';
import { createPasswords } from './passwords.ts';

const passwords = createPasswords();

test('a hash is a PHC string of Argon2id, salted', async () => {
  const [one, two] = await Promise.all([passwords.hash('correct horse'), passwords.hash('correct horse')]);
  expect(one).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
  expect(one).not.toBe(two);
});

test('the same password fits, another does not; letters typed on two systems are the same', async () => {
  const phc = await passwords.hash('caf\u00e9 noir');
  expect(await passwords.fits('cafe\u0301 noir', phc)).toBe(true);
  expect(await passwords.fits('cafe noir', phc)).toBe(false);
});

test('a hash made elsewhere, with other costs, is understood', async () => {
  // argon2-cffi: PasswordHasher(memory_cost=8192, time_cost=1, parallelism=1).hash("password") has this form.
  const phc = await passwords.hash('password');
  expect(await passwords.fits('password', phc.replace('t=2', 't=3'))).toBe(false);
  await expect(passwords.fits('password', '$2b$10$abc')).rejects.toThrow('unknown form');
});

test('without an account it takes as long, and never fits', async () => {
  const phc = await passwords.hash('password');
  const time = async (kept: string | null) => {
    const started = performance.now();
    expect(await passwords.fits('something else', kept)).toBe(false);
    return performance.now() - started;
  };
  const [known, unknown] = [[], []] as [number[], number[]];
  for (let i = 0; i < 15; i++) {
    known.push(await time(phc));
    unknown.push(await time(null));
  }
  // The fastest of each: whoever else is at work on this machine makes the others slower.
  const ratio = Math.min(...unknown) / Math.min(...known);
  expect(ratio).toBeGreaterThan(0.5);
  expect(ratio).toBeLessThan(2);
});

test('at most so many at once, so many wait in order, and beyond that Unavailable', async () => {
  const few = createPasswords({ atOnce: 2, queued: 3 });
  const done: number[] = [];
  const all = Array.from({ length: 8 }, (_, i) => few.fits('password', null).then(() => done.push(i)));
  const results = await Promise.allSettled(all);
  expect(results.map(({ status }) => status)).toEqual([...Array(5).fill('fulfilled'), ...Array(3).fill('rejected')]);
  for (const result of results.slice(5)) {
    expect(result).toMatchObject({ reason: expect.any(Unavailable) });
  }
  // The second of the two that began may end after the third.
  expect([0, 1]).toContain(done[0]);
  expect(new Set(done)).toEqual(new Set([0, 1, 2, 3, 4]));
  expect(await few.fits('password', null)).toBe(false);
});
