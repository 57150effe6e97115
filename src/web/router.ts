/** Where one is: behind the `#`, so that any server and cache can deliver the page as one file. */
import { signal } from '@preact/signals';

function here(): string {
  return location.hash.slice(1) || '/';
}

export const path = signal(here());
addEventListener('hashchange', () => {
  path.value = here();
  scrollTo(0, 0);
});

export function go(to: string): void {
  location.hash = to;
}

/** Values of `:name` in the pattern; null where the path is another one. */
export function match(pattern: string, at: string): Record<string, string> | null {
  const [given = ''] = at.split('?');
  const [want, have] = [pattern.split('/'), given.split('/')];
  if (want.length !== have.length) return null;
  const values: Record<string, string> = {};
  for (const [i, part] of want.entries()) {
    const value = decodeURIComponent(have[i] ?? '');
    if (part.startsWith(':')) values[part.slice(1)] = value;
    else if (part !== value) return null;
  }
  return values;
}
