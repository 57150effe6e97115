/**
 * Text of a body to a value, refusing what a reader behind us could understand differently. Of two members of a name the
 * last counts.
 */
import { LIMITS } from '../limits.ts';
import type { Fault } from './route.ts';

export type Parsed = { value: unknown } | { fault: Fault };

/**
 * Parses JSON: bounded depth, no lone surrogates (they turn into other text in Redis and PostgreSQL), and no more values
 * than a schema's faults can be looked for in: a list of 30,000 numbers, in 60 KB, took TypeBox 5 s.
 */
export function readJson(text: string, { valuesMax }: { valuesMax: number }): Parsed {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { fault: { path: '', message: `is not JSON: ${error instanceof Error ? error.message : ''}` } };
  }
  const message = faultIn(value, 0, { valuesLeft: valuesMax });
  return message === null ? { value } : { fault: { path: '', message } };
}

function faultIn(value: unknown, depth: number, bound: { valuesLeft: number }): string | null {
  bound.valuesLeft -= 1;
  if (bound.valuesLeft < 0) return 'holds too many values';
  if (typeof value === 'string') return value.isWellFormed() ? null : 'holds text with half a surrogate pair';
  if (typeof value !== 'object' || value === null) return null;
  if (depth >= LIMITS.JSON_DEPTH_MAX) return `is nested deeper than ${LIMITS.JSON_DEPTH_MAX}`;
  for (const name in value) {
    if (!name.isWellFormed()) return 'holds text with half a surrogate pair';
    const message = faultIn((value as Record<string, unknown>)[name], depth + 1, bound);
    if (message !== null) return message;
  }
  return null;
}
