import type { Reply } from '../redis/script.ts';

/** A nested, flat part of a script's reply as rows of `size` texts. */
export function groupsOf(flat: Reply | undefined, size: number): string[][] {
  const values = Array.isArray(flat) ? flat.map((value) => String(value ?? '')) : [];
  return Array.from({ length: values.length / size }, (_, i) => values.slice(i * size, (i + 1) * size));
}
