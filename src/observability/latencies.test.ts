import { AggregatorRegistry, Histogram, Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { Latencies } from './latencies.ts';

const settings = { name: 'seconds', help: 'how long', labelNames: ['route', 'status'], buckets: [0.001, 0.01, 1] };
const SEEN = [
  ['/a', '200', 0.0005],
  ['/a', '200', 0.001],
  ['/a', '200', 0.5],
  ['/b"\n\\', '409', 7],
  ['/a', '409', 0.02],
] as const;

function both() {
  const [ours, theirs] = [new Registry(), new Registry()];
  const latencies = new Latencies({ ...settings, registers: [ours] });
  const histogram = new Histogram({ ...settings, registers: [theirs] });
  for (const [route, status, seconds] of SEEN) {
    latencies.series(route, status).observe(seconds);
    histogram.observe({ route, status }, seconds);
  }
  return { ours, theirs };
}

const lines = async (registry: Registry) => (await registry.metrics()).split('\n').map(inOrder).sort();

/** The order of labels says nothing. */
function inOrder(line: string): string {
  const [, name, labels, value] = /^(\w+)\{(.*)\} (\S+)$/s.exec(line) ?? [];
  return name ? `${name}{${labels?.split(',').sort().join(',')}} ${value}` : line;
}

test('says what the histogram of prom-client says', async () => {
  const { ours, theirs } = both();
  expect(await lines(ours)).toEqual(await lines(theirs));
  expect(await lines(ours)).toContain('seconds_bucket{le="0.01",route="/a",status="200"} 2');
});

test('is merged with that of other processes', async () => {
  const { ours, theirs } = both();
  const merged = (registry: Registry) =>
    Promise.all([registry.getMetricsAsJSON(), registry.getMetricsAsJSON()]).then((all) =>
      lines(AggregatorRegistry.aggregate(all)),
    );
  expect(await merged(ours)).toEqual(await merged(theirs));
  expect(await merged(ours)).toContain('seconds_count{route="/a",status="200"} 6');
});
