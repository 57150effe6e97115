/** Prometheus text, as far as the charts need it: all processes of this start together. */
export interface Totals {
  /** requests by upper bound of their latency in seconds, added up from below */
  latency: ReadonlyMap<number, number>;
  requests: number;
  faults: number;
  held: number;
  conflicts: number;
  /** of (expected - real) / real: sum and count */
  waitError: number;
  waits: number;
}

const LINE = /^(\w+)(?:\{(.*)\})? (\S+)$/;

export function readTotals(text: string): Totals {
  const latency = new Map<number, number>();
  const totals = { requests: 0, faults: 0, held: 0, conflicts: 0, waitError: 0, waits: 0 };
  for (const line of text.split('\n')) {
    const [, name, labels = '', value] = LINE.exec(line) ?? [];
    if (!name) continue;
    const count = Number(value);
    const label = (key: string) => new RegExp(`(?:^|,)${key}="([^"]*)"`).exec(labels)?.[1] ?? '';
    if (name === 'onsale_http_request_seconds_bucket') {
      const bound = label('le') === '+Inf' ? Number.POSITIVE_INFINITY : Number(label('le'));
      latency.set(bound, (latency.get(bound) ?? 0) + count);
    } else if (name === 'onsale_http_request_seconds_count') {
      totals.requests += count;
      if (label('status').startsWith('5')) totals.faults += count;
    } else if (name === 'onsale_holds_total') {
      if (label('outcome') === 'held') totals.held += count;
      if (label('outcome') === 'taken') totals.conflicts += count;
    } else if (name === 'onsale_expected_wait_error_ratio_sum') totals.waitError += count;
    else if (name === 'onsale_expected_wait_error_ratio_count') totals.waits += count;
  }
  return { latency, ...totals };
}

/** Of the requests between two readings, in ms; null where there were none. */
export function p99Between(before: Totals, after: Totals): number | null {
  const count = after.requests - before.requests;
  if (count <= 0) return null;
  const bounds = [...after.latency.keys()].sort((a, b) => a - b);
  const found = bounds.find(
    (bound) => (after.latency.get(bound) ?? 0) - (before.latency.get(bound) ?? 0) >= 0.99 * count,
  );
  return found === undefined || found === Number.POSITIVE_INFINITY ? (bounds.at(-2) ?? 0) * 1000 : found * 1000;
}
