import { expect, test } from 'vitest';
import { recordPurchase, STEPS } from './kit/recorded-purchase.ts';
import { asItComes, asOnsaleDoes, cutsOf, startTwice } from './torn-log.ts';

const purchase = await recordPurchase();

test('each script of a purchase is recorded, one block each, one after the other', () => {
  expect(purchase.steps.map(({ script }) => script)).toEqual(STEPS);
  for (const { from, to } of purchase.steps) {
    const block = purchase.log.subarray(from, to).toString();
    expect(block).toMatch(/^\*1\r\n\$5\r\nMULTI\r\n[^]+\*1\r\n\$4\r\nEXEC\r\n$/);
    expect(block.match(/EXEC/g)).toHaveLength(1);
  }
});

test('cuts come in an order that is spread over all bytes, and each once', () => {
  const cuts = [...cutsOf(purchase.steps, 7)];
  const all = purchase.steps.flatMap(({ from, to }) => Array.from({ length: to - from }, (_, i) => from + i + 1));
  expect(cuts.map(({ step, bytes }) => step.from + bytes).sort((a, b) => a - b)).toEqual(all);
  expect(new Set(cuts.slice(0, 40).map(({ step }) => step.script)).size).toBe(STEPS.length);
});

test('a half that comes to life is named, key by key; with the cure none does, and a whole block stands', async () => {
  const hold = purchase.steps.find(({ script }) => script === 'reservations/hold');
  if (!hold) throw new Error('no hold');
  const whole = hold.to - hold.from;
  const half = { step: hold, bytes: Math.ceil(whole / 2) };
  const without = await startTwice(purchase, half, asItComes);
  expect(without).toContainEqual(
    expect.stringMatching(
      new RegExp(`^reservations/hold cut after ${half.bytes} of ${whole} bytes, second start: .*:seats:d1 `),
    ),
  );
  expect(await startTwice(purchase, half, asOnsaleDoes)).toEqual([]);
  expect(await startTwice(purchase, { step: hold, bytes: whole }, asOnsaleDoes)).toEqual([]);
});
