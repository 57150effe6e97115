/** The API as the pages use it, and in words what it refuses. */
import { createClient } from '../client/client.ts';
import { money, t } from './i18n.ts';
import { go, path } from './router.ts';
import { session, signOut } from './session.ts';

export const onsale = createClient({ baseUrl: new URL('.', location.href).origin });

/** As the one who is signed in. */
export function asUser() {
  return onsale.with({ accessToken: session.value?.accessToken });
}

/** What the pages look at of a refusal. */
interface Fault {
  ok: false;
  code: string;
  problem?: { detail?: string; errors?: { path: string; message: string }[]; min?: number; max?: number };
  retryAfterSeconds: number | null;
}

/** A refusal that no page has a screen for, as a sentence. A sign-in that has ended leads to a new one. */
export function sentenceOf({ code, problem, retryAfterSeconds }: Fault, currency = 'KRW'): string {
  switch (code) {
    case 'NO_ANSWER':
      return t('noAnswer');
    case 'UNAVAILABLE':
    case 'INTERNAL':
      return t('unavailable');
    case 'RATE_LIMITED':
      return t('rateLimited', { seconds: retryAfterSeconds ?? 1 });
    case 'INVALID_CREDENTIALS':
      return t('wrongLogin');
    case 'EMAIL_TAKEN':
      return t('emailTaken');
    case 'INVALID_AMOUNT':
      return t('tooMuch', { min: money(problem?.min ?? 0, currency), max: money(problem?.max ?? 0, currency) });
    case 'VALIDATION':
      return t('invalid', {
        details: problem?.errors?.map(({ path: at, message }) => `${at.slice(1)} ${message}`).join('; ') ?? '',
      });
    case 'UNAUTHENTICATED':
      if (session.value) {
        signOut();
        go(`/sign-in?next=${encodeURIComponent(path.value)}`);
      }
      return t('signedOut');
    default:
      return problem?.detail ?? code;
  }
}
