/** The server's clock, for all that counts down: a fan's own may be minutes off. */
import { signal } from '@preact/signals';
import { ServerClock } from '../client/clock.ts';

export const serverClock = new ServerClock();

/** The server's time in ms, four times a second. */
export const now = signal(serverClock.now());
setInterval(() => {
  now.value = serverClock.now();
}, 250);

/** Whole seconds until a time of the server, never below 0. */
export function secondsUntil(time: string): number {
  return Math.max(0, Math.ceil((Date.parse(time) - now.value) / 1000));
}
