/** The audit: do the books of Redis and PostgreSQL agree? One runs at a time, over all processes. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Pool } from 'pg';
import { Unavailable } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import type { Log } from '../observability/log.ts';
import { directoryKeys } from '../redis/keys.ts';
import type { RedisClient } from '../redis/script.ts';
import { type AuditDeps, auditOnce } from './audit-pass.ts';
import { type Findings, inBoth } from './findings.ts';
import type { AuditReport, Difference } from './shapes.ts';

export interface AuditCallDeps {
  redis: RedisClient;
  sql: Pool;
  log: Log;
}

export type AuditAnswer = { done: AuditReport } | { running: true; retryAfterSeconds: number };

/** Shorter in tests only. */
export interface AuditTimes {
  /** how long a caller waits for the report */
  answerMs: number;
  /** a transfer's deadline, with the sweeper's time: what still differs after it is wrong */
  deadlineMs: number;
}

const TIMES: AuditTimes = { answerMs: LIMITS.AUDIT_ANSWER_MS, deadlineMs: LIMITS.TRANSFER_DEADLINE_MS + 5_000 };
const RUN_TTL_MS = 10_000;
const LOOK_EVERY_MS = 100;
const RETRY_AFTER_SECONDS = 5;

/**
 * The report of an audit that begins now, or of one that is under way; or `running`, where that takes longer than 10 s:
 * its report is kept for a minute, for whoever asks next, in any process. Throws Unavailable where PostgreSQL is away.
 */
export async function requestAudit(deps: AuditCallDeps, times: AuditTimes = TIMES): Promise<AuditAnswer> {
  const until = performance.now() + times.answerMs;
  for (;;) {
    const stored = await deps.redis.getdel(directoryKeys.auditReport);
    if (stored !== null) return { done: readStored(stored) };
    const id = randomUUID();
    const ours = await deps.redis.set(directoryKeys.auditRun, id, 'PX', RUN_TTL_MS, 'NX');
    if (ours) void keepReport(deps, id, times);
    // Ours or another's: either its report comes, or its lease ends.
    while ((await deps.redis.exists(directoryKeys.auditReport)) === 0) {
      if (performance.now() > until) return { running: true, retryAfterSeconds: RETRY_AFTER_SECONDS };
      if ((await deps.redis.exists(directoryKeys.auditRun)) === 0) break;
      await sleep(LOOK_EVERY_MS);
    }
  }
}

type Stored = { report: AuditReport } | { failure: string };

function readStored(text: string): AuditReport {
  const stored = JSON.parse(text) as Stored;
  if ('report' in stored) return stored.report;
  throw new Unavailable(`the audit could not be finished: ${stored.failure}`, {
    retryAfterSeconds: RETRY_AFTER_SECONDS,
  });
}

/** Runs an audit under the lease `id`, and leaves its report, or why there is none, for whoever asks. */
async function keepReport({ redis, sql, log }: AuditCallDeps, id: string, times: AuditTimes): Promise<void> {
  const renewal = setInterval(() => {
    redis.pexpire(directoryKeys.auditRun, RUN_TTL_MS).catch(() => {}); // then the lease ends, and another may begin
  }, RUN_TTL_MS / 4);
  const started = performance.now();
  let stored: Stored;
  try {
    const report = await audit({ redis, sql, graceMs: times.deadlineMs }, times);
    stored = { report };
    const ms = Math.round(performance.now() - started);
    if (report.clean) log.info({ ms }, 'audit: clean');
    else log.error({ ms, differences: report.differences.slice(0, 10) }, 'ALARM: audit: the books differ');
  } catch (error) {
    log.warn({ err: error }, 'audit: could not be finished');
    stored = { failure: error instanceof Error ? error.message : String(error) };
  } finally {
    clearInterval(renewal);
  }
  try {
    await redis.set(directoryKeys.auditReport, JSON.stringify(stored), 'PX', LIMITS.AUDIT_REPORT_KEPT_MS);
    if ((await redis.get(directoryKeys.auditRun)) === id) await redis.del(directoryKeys.auditRun);
  } catch (error) {
    log.warn({ err: error }, 'audit: its report could not be left'); // its lease ends by itself
  }
}

/** A difference counts when a second pass, after the deadline of what was in motion, has it too. */
export async function audit(deps: AuditDeps, { deadlineMs }: Pick<AuditTimes, 'deadlineMs'>): Promise<AuditReport> {
  const first = await auditOnce(deps);
  if (first.differences().length === 0) return reportOf(first, []);
  await sleep(deadlineMs, undefined, { ref: false });
  const second = await auditOnce(deps);
  return reportOf(second, inBoth(first.differences(), second.differences()));
}

function reportOf({ totals }: Findings, differences: Difference[]): AuditReport {
  return {
    clean: differences.length === 0,
    differences: differences.slice(0, LIMITS.AUDIT_DIFFERENCES_MAX),
    ...totals,
  };
}
