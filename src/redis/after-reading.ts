/**
 * A command is out of time only once what has arrived was read. Node runs the timers that are due before it reads: a
 * server that had stood still for a second (a virtual machine that is moved, a core that others have) would refuse with
 * 503 every call whose answer lies there, and let nobody know what became of it.
 */
import { Command } from 'ioredis';

/** Where ioredis looks for the timer, to clear it with the answer. */
const TIMER = '_commandTimeoutTimer';

interface Timed {
  [TIMER]?: NodeJS.Timeout;
  isSettled: boolean;
  reject(error: Error): void;
}

/** Of every client of this process: ioredis' own method, but for the `setImmediate`. */
export function timeOutAfterReading(): void {
  Command.prototype.setTimeout = function setTimeoutAfterReading(ms: number): void {
    const command = this as unknown as Timed;
    command[TIMER] ??= setTimeout(() => {
      // The reading of this round of the event loop comes between.
      setImmediate(() => {
        if (!command.isSettled) command.reject(new Error('Command timed out'));
      });
    }, ms);
  };
}
