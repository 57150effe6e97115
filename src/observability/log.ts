/** Structured log, one JSON line each. No info line per request on the hot path: metrics count those. */
import { pino } from 'pino';

export type Log = pino.Logger;

export function createLog(level: string, processName: string): Log {
  return pino({
    level,
    base: { process: processName, pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: ['token', 'password', 'authorization', '*.token', '*.password'],
  });
}
