/** The operator's key, kept for this tab only, and calls with it. */
import { signal } from '@preact/signals';
import { createClient } from '../../client/client.ts';

const KEY = 'onsale.operator';
export const operatorKey = signal(sessionStorage.getItem(KEY) ?? '');

export function signIn(key: string): void {
  sessionStorage.setItem(KEY, key);
  operatorKey.value = key;
}

export function signOut(): void {
  sessionStorage.removeItem(KEY);
  operatorKey.value = '';
}

const client = createClient({ baseUrl: location.origin });

export function onsale() {
  return client.with({ operatorKey: operatorKey.value });
}

interface Told {
  path: string;
  message: string;
}

interface Fault {
  code: string;
  problem?: { detail?: string; errors?: readonly Told[]; conflicts?: readonly Told[] };
}

export function sentenceOf({ code, problem }: Fault): string {
  if (code === 'NO_ANSWER')
    return 'There was no answer. Whether it took effect is not known: look at the numbers, then try again.';
  const parts = [...(problem?.errors ?? []), ...(problem?.conflicts ?? [])];
  return [`${code}: ${problem?.detail ?? ''}`, ...parts.map(({ path, message }) => `${path} ${message}`)].join('\n');
}
