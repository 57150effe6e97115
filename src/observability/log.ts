/** Structured log, one JSON line each. No info line per request on the hot path: metrics count those. */
import { type DestinationStream, type LoggerOptions, pino, stdSerializers } from 'pino';

export type Log = pino.Logger;

export function createLog(level: string, processName: string, to?: DestinationStream): Log {
  const options: LoggerOptions = {
    level,
    base: { process: processName, pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    serializers: { err: errorOf },
    redact: ['token', 'password', 'authorization', '*.token', '*.password'],
  };
  return to ? pino(options, to) : pino(options);
}

/** ioredis adds the command that failed, whose arguments may be a person's name, email and password hash. */
function errorOf(error: Error | null) {
  if (error === null) return null; // somebody may reject with it
  const told = stdSerializers.err(error);
  const { command } = told as { command?: { name?: string } };
  return command ? { ...told, command: command.name } : told;
}
