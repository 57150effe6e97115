import { expect, test } from 'vitest';
import { createAddresses } from './address.ts';

test.each<[string, string | undefined, string]>([
  ['1.2.3.4', undefined, '1.2.3.4'],
  ['1.2.3.4', '9.9.9.9', '1.2.3.4'],
])('without trusted proxies the peer is the caller: %s, %s', (peer, forwarded, expected) => {
  expect(createAddresses([])(peer, forwarded)).toBe(expected);
});

test.each<[string, string | undefined, string]>([
  ['7.7.7.7', '9.9.9.9', '7.7.7.7'],
  ['10.0.0.1', undefined, '10.0.0.1'],
  ['10.0.0.1', '', '10.0.0.1'],
  ['10.0.0.1', '9.9.9.9', '9.9.9.9'],
  ['10.0.0.1', '1.1.1.1, 9.9.9.9', '9.9.9.9'],
  ['10.0.0.1', '9.9.9.9, 10.200.0.7', '9.9.9.9'],
  ['10.0.0.1', '9.9.9.9, 192.0.2.1,10.200.0.7', '9.9.9.9'],
  ['10.0.0.1', '10.0.0.2, 10.0.0.3', '10.0.0.2'],
  ['10.0.0.1', 'unknown', '10.0.0.1'],
  ['10.0.0.1', '9.9.9.9, garbage', '10.0.0.1'],
  ['10.0.0.1', '9.9.9.9:5555', '9.9.9.9'],
  ['10.0.0.1', '[2001:db8::9]:443', '2001:db8::9'],
  ['10.0.0.1', '::ffff:9.9.9.9', '9.9.9.9'],
  ['0000:0000:0000:0000:0000:ffff:0a00:0001', '9.9.9.9', '9.9.9.9'],
  ['2001:0db8:0000:0000:0000:0000:0000:0001', '9.9.9.9', '9.9.9.9'],
  ['2001:0db9:0000:0000:0000:0000:0000:0001', '9.9.9.9', '2001:0db9:0000:0000:0000:0000:0000:0001'],
])('with them, the first one that is none, from the right: %s, %s', (peer, forwarded, expected) => {
  expect(createAddresses(['10.0.0.0/8', '192.0.2.1', '2001:db8::/32'])(peer, forwarded)).toBe(expected);
});

test('what is no range stops the start', () => {
  expect(() => createAddresses(['proxy.example'])).toThrow('TRUSTED_PROXIES: proxy.example');
  expect(() => createAddresses(['10.0.0.0/99'])).toThrow('TRUSTED_PROXIES: 10.0.0.0/99');
});
