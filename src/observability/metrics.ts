/**
 * Every metric of onsale on one screen. Counters are per process; `/metrics` merges all processes of one start, each
 * under its own `process` label (processes.ts asks them).
 */
import { AggregatorRegistry, Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { observeScripts } from '../redis/script.ts';
import { Latencies, type Series } from './latencies.ts';

export const registry = new Registry();
const registers = [registry];

const LATENCY_BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];
const WAIT_BUCKETS = [1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200];

export const metrics = {
  httpSeconds: new Latencies({
    name: 'onsale_http_request_seconds',
    help: 'HTTP latency by route, method and status',
    labelNames: ['route', 'method', 'status'],
    buckets: LATENCY_BUCKETS,
    registers,
  }),
  refusals: new Counter({
    name: 'onsale_refusals_total',
    help: 'Refused calls by error code',
    labelNames: ['code'],
    registers,
  }),
  scriptSeconds: new Latencies({
    name: 'onsale_script_seconds',
    help: 'Latency of Lua scripts at the caller, by script',
    labelNames: ['script'],
    buckets: LATENCY_BUCKETS,
    registers,
  }),
  scriptFailures: new Counter({
    name: 'onsale_script_failures_total',
    help: 'Lua scripts without an answer (timeout, Redis away, bug)',
    labelNames: ['script'],
    registers,
  }),

  waiting: new Gauge({
    name: 'onsale_waiting',
    help: 'People waiting, by concert',
    labelNames: ['concert'],
    registers,
  }),
  active: new Gauge({
    name: 'onsale_active',
    help: 'People admitted and active, by concert',
    labelNames: ['concert'],
    registers,
  }),
  admitted: new Counter({
    name: 'onsale_admitted_total',
    help: 'Places admitted by this process',
    labelNames: ['concert'],
    registers,
  }),
  waitSeconds: new Histogram({
    name: 'onsale_wait_seconds',
    help: 'Real wait from join to admission',
    buckets: WAIT_BUCKETS,
    registers,
  }),
  waitErrorRatio: new Histogram({
    name: 'onsale_expected_wait_error_ratio',
    help: '(expected - real) / max(real, 1 s) of the wait, by the estimate given at the join',
    buckets: [-0.9, -0.5, -0.25, -0.1, 0, 0.1, 0.25, 0.5, 1, 2, 5],
    registers,
  }),

  noShows: new Gauge({
    name: 'onsale_no_shows',
    help: 'Admitted places that were not claimed in time, by concert, since its room was made; the same in each worker',
    labelNames: ['concert'],
    registers,
  }),
  soldSeats: new Gauge({
    name: 'onsale_sold_seats',
    help: 'Seats sold, by concert; the same in each worker',
    labelNames: ['concert'],
    registers,
  }),
  revenue: new Gauge({
    name: 'onsale_revenue',
    help: 'Of all payments, by concert, in the smallest unit of the currency; the same in each worker',
    labelNames: ['concert'],
    registers,
  }),

  holds: new Counter({
    name: 'onsale_holds_total',
    help: 'Holds by outcome; `taken` is a conflict: somebody was first',
    labelNames: ['outcome'],
    registers,
  }),
  payments: new Counter({
    name: 'onsale_payments_total',
    help: 'Payments by outcome: confirmed, repeated, refused, unknown',
    labelNames: ['outcome'],
    registers,
  }),
  paymentAlarms: new Counter({
    name: 'onsale_payment_alarms_total',
    help: 'ALARM: a confirmed payment whose transfer is not in the wallet. Run the audit',
    registers,
  }),
  swept: new Counter({
    name: 'onsale_swept_total',
    help: 'What the sweepers ended: holds, transfers, places',
    labelNames: ['kind'],
    registers,
  }),
  sweepLagSeconds: new Gauge({
    name: 'onsale_sweep_lag_seconds',
    help: 'Age of the oldest passed deadline that is not swept yet',
    labelNames: ['concert'],
    registers,
  }),

  outboxLag: new Gauge({
    name: 'onsale_outbox_entries',
    help: 'Confirmed but not yet in PostgreSQL, by outbox',
    labelNames: ['outbox'],
    registers,
  }),
  outboxAgeSeconds: new Gauge({ name: 'onsale_outbox_age_seconds', help: 'Age of the oldest outbox entry', registers }),
  recorded: new Counter({
    name: 'onsale_recorded_total',
    help: 'Entries recorded in PostgreSQL, by event',
    labelNames: ['event'],
    registers,
  }),
  deadLetters: new Counter({
    name: 'onsale_dead_letters_total',
    help: 'ALARM: entries that contradict what PostgreSQL has; see table dead_letters',
    registers,
  }),
  recordFailures: new Counter({
    name: 'onsale_record_failures_total',
    help: 'Failed attempts to record a chunk (PostgreSQL away); retried without limit',
    registers,
  }),

  sockets: new Gauge({ name: 'onsale_sockets', help: 'Open WebSockets', registers }),
  frames: new Counter({
    name: 'onsale_frames_total',
    help: 'Frames sent or published, by type',
    labelNames: ['type'],
    registers,
  }),
  socketsClosed: new Counter({
    name: 'onsale_sockets_closed_total',
    help: 'Sockets closed by the server, by close code',
    labelNames: ['code'],
    registers,
  }),

  redisUp: new Gauge({ name: 'onsale_redis_up', help: '1 while Redis answers this process', registers }),
  redisMemoryShare: new Gauge({
    name: 'onsale_redis_memory_share',
    help: 'used_memory / maxmemory of the fullest master; 0 without maxmemory',
    registers,
  }),
  loopSeconds: new Histogram({
    name: 'onsale_loop_seconds',
    help: 'Duration of background loops',
    labelNames: ['loop'],
    buckets: LATENCY_BUCKETS,
    registers,
  }),
  loopFailures: new Counter({
    name: 'onsale_loop_failures_total',
    help: 'Failed runs of background loops',
    labelNames: ['loop'],
    registers,
  }),
} as const;

/**
 * How often the event loop's lag is looked at; all figures of the lag contain it. With prom-client's own 10 a process
 * that does nothing wakes a hundred times a second for it, which is half of what it costs.
 */
const LOOP_LOOKED_AT_MS = 20;

/** Starts collection: the process label, Node's own metrics, and the latency of every script. */
export function startMetrics(processName: string): void {
  registry.setDefaultLabels({ process: processName });
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: LOOP_LOOKED_AT_MS });
  const scripts = new Map<string, Series>();
  observeScripts((file, seconds, failed) => {
    let series = scripts.get(file);
    if (!series) {
      series = metrics.scriptSeconds.series(nameOf(file));
      scripts.set(file, series);
    }
    series.observe(seconds);
    if (failed) metrics.scriptFailures.inc({ script: nameOf(file) });
  });
}

function nameOf(scriptFile: string): string {
  return scriptFile.replace(/\.lua$/, '');
}

/** One process' metrics as data, to be merged by `mergeMetrics`. */
export type MetricsSnapshot = Awaited<ReturnType<typeof registry.getMetricsAsJSON>>;

export function readMetrics(): Promise<MetricsSnapshot> {
  return registry.getMetricsAsJSON();
}

/** Prometheus text of several processes; their `process` labels keep their series apart. */
export function mergeMetrics(snapshots: MetricsSnapshot[]): Promise<string> {
  return AggregatorRegistry.aggregate(snapshots).metrics();
}
