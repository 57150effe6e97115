/**
 * A Prometheus histogram that is cheap to count in. prom-client checks and hashes the labels of each observation: 1 us,
 * which is more than the rest of what a poll does by itself. Here a series is looked up once and counts in an array;
 * prom-client renders and merges it like its own.
 */
import type { MetricValueWithName, Registry } from 'prom-client';

export interface Series {
  observe(seconds: number): void;
}

interface Counts extends Series {
  readonly labels: Readonly<Record<string, string>>;
  /** by bucket, not added up; the last one is above all bounds */
  readonly counts: Float64Array;
  sum: number;
}

export class Latencies {
  readonly name: string;
  readonly #help: string;
  readonly #labelNames: readonly string[];
  /** upper bounds in seconds, ascending */
  readonly #buckets: readonly number[];
  readonly #series = new Map<string, Counts>();

  constructor({
    name,
    help,
    labelNames,
    buckets,
    registers,
  }: {
    name: string;
    help: string;
    labelNames: readonly string[];
    buckets: readonly number[];
    registers: readonly Registry[];
  }) {
    this.name = name;
    this.#help = help;
    this.#labelNames = labelNames;
    this.#buckets = buckets;
    // All that a registry asks of a metric is its name and `get`; the types want one of prom-client's own classes.
    for (const registry of registers)
      registry.registerMetric(this as unknown as Parameters<Registry['registerMetric']>[0]);
  }

  /** The series of these label values, in the order of the names; to be kept by whoever counts often. */
  series(...values: readonly string[]): Series {
    const key = values.join('\0');
    let one = this.#series.get(key);
    if (!one) {
      one = countsOf(Object.fromEntries(this.#labelNames.map((name, i) => [name, values[i] ?? ''])), this.#buckets);
      this.#series.set(key, one);
    }
    return one;
  }

  /** What a registry asks for. */
  get() {
    const values = [...this.#series.values()].flatMap((one) => this.#render(one));
    return { name: this.name, help: this.#help, type: 'histogram', values, aggregator: 'sum' };
  }

  #render({ labels, counts, sum }: Counts): MetricValueWithName<string>[] {
    let count = 0;
    const buckets = Array.from(counts, (own, i) => {
      count += own;
      return { labels: { ...labels, le: this.#buckets[i] ?? '+Inf' }, value: count, metricName: `${this.name}_bucket` };
    });
    return [
      ...buckets,
      { labels, value: sum, metricName: `${this.name}_sum` },
      { labels, value: count, metricName: `${this.name}_count` },
    ];
  }
}

function countsOf(labels: Counts['labels'], bounds: readonly number[]): Counts {
  const counts = new Float64Array(bounds.length + 1);
  return {
    labels,
    counts,
    sum: 0,
    observe(seconds) {
      let i = 0;
      while (i < bounds.length && seconds > (bounds[i] ?? 0)) i++;
      counts[i] = (counts[i] ?? 0) + 1;
      this.sum += seconds;
    },
  };
}
