/** A concert of a real size to play with, loaded when the installation has none. */
import { readFileSync } from 'node:fs';
import { listConcertIds } from '../concerts/directory.ts';
import { importConcert, type ImportDeps } from '../concerts/import.ts';
import type { ConcertInput } from '../concerts/shapes.ts';
import { isRefusal } from '../errors.ts';
import type { Log } from '../observability/log.ts';

const FILE = new URL('../../scripts/demo-concert.json', import.meta.url);
const CONCERT_ID = 'winter-night';

/** Two starts at once do no harm: the second import changes nothing. */
export async function loadDemo(deps: ImportDeps & { log: Log }): Promise<void> {
  if ((await listConcertIds(deps)).length > 0) return;
  const input = JSON.parse(readFileSync(FILE, 'utf8')) as ConcertInput;
  const done = await importConcert(deps, { concertId: CONCERT_ID, input, dryRun: false });
  if (isRefusal(done)) throw new Error(`the demo concert was refused: ${JSON.stringify(done)}`);
  deps.log.info({ concertId: CONCERT_ID }, 'demo concert loaded');
}
