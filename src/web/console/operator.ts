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

export interface Told {
  path: string;
  message: string;
}

export interface Fault {
  code: string;
  problem?: { detail?: string; errors?: readonly Told[] };
  retryAfterSeconds: number | null;
}

export const WRONG_KEY = 'This is not the operator key.';
const UNKNOWN = 'Whether it took effect is not known: look at the numbers, then try again.';
export const AWAY = 'There was no answer: the server is stopped, or cannot be reached from here.';

/** What an operator is told of a refusal. `does`: whether the call would have changed something. */
export function sentenceOf({ code, problem, retryAfterSeconds }: Fault, does: 'read' | 'change' = 'read'): string {
  switch (code) {
    case 'NO_ANSWER':
      return does === 'change' ? `There was no answer. ${UNKNOWN}` : `${AWAY} Nothing was changed; try again.`;
    case 'UNAVAILABLE':
    case 'INTERNAL': {
      const soon = retryAfterSeconds ? ` in ${retryAfterSeconds} s` : '';
      const what =
        code === 'INTERNAL'
          ? 'Something went wrong in the server; its log says what.'
          : 'The server cannot answer now.';
      return `${what} ${does === 'change' ? UNKNOWN : `Nothing was changed; try again${soon}.`}`;
    }
    case 'UNAUTHENTICATED':
    case 'FORBIDDEN':
      return `${WRONG_KEY} It may have been changed since the sign-in: sign out, and sign in with the new one.`;
    case 'QUEUE_NOT_FOUND':
      return 'There is no such place in this concert’s waiting room. Compare the queue id, and choose the concert that it belongs to above; records of places are kept for 12 hours after their end.';
    case 'USER_NOT_FOUND':
      return 'There is no user with this id. Compare it; queue ids begin with q_.';
    default:
      return [
        problem?.detail ?? code,
        ...(problem?.errors ?? []).map(({ path, message }) => `${path} ${message}`),
      ].join('\n');
  }
}
