/** Who is signed in: kept in this browser until the token ends. */
import { signal } from '@preact/signals';

export interface Session {
  accessToken: string;
  userId: string;
  email: string;
  /** ms of this browser's clock */
  endsAt: number;
}

const KEY = 'onsale.session';
/** Begins the keys of what is kept of places in line: their tokens are credentials, too. */
export const PLACE_KEY = 'onsale.place.';

function stored(): Session | null {
  try {
    const session = JSON.parse(localStorage.getItem(KEY) ?? 'null') as Session | null;
    return session && session.endsAt > Date.now() ? session : null;
  } catch {
    // Nothing that we wrote: as if nobody were signed in.
    return null;
  }
}

export const session = signal<Session | null>(stored());

export function signIn(given: Session): void {
  localStorage.setItem(KEY, JSON.stringify(given));
  session.value = given;
}

export function signOut(): void {
  localStorage.removeItem(KEY);
  for (const key of Object.keys(localStorage)) if (key.startsWith(PLACE_KEY)) localStorage.removeItem(key);
  session.value = null;
}

// Another tab signs in or out.
addEventListener('storage', ({ key }) => {
  if (key === KEY || key === null) session.value = stored();
});
