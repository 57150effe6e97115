/** What a process that was killed two hours ago has left. */
import { utimesSync, writeFileSync } from 'node:fs';

export function leaveUnfinished(file: string): void {
  writeFileSync(file, 'left');
  age(file);
}

/** A file or folder as old as that. */
export function age(path: string): void {
  const twoHoursAgo = Date.now() / 1_000 - 7_200;
  utimesSync(path, twoHoursAgo, twoHoursAgo);
}
