/** `npm run bench -- <name> [--scale 0.1] [--seconds 5] [--profile]`: each benchmark starts its own servers on this machine, and ends them. */
import { loadavg } from 'node:os';
import { readCommandLine, refuseCommandLine } from '../../src/command-line.ts';
import { machineLine } from './arena.ts';
import { charge } from './charge.ts';
import { growth } from './growth.ts';
import { hold } from './hold.ts';
import { join } from './join.ts';
import type { Options } from './options.ts';
import { pay } from './pay.ts';
import { poll } from './poll.ts';
import { profileAll } from './profile.ts';
import { push } from './push.ts';
import { seatMap } from './seat-map.ts';
import { writeBehind } from './write-behind.ts';

/** Each prints its tables, and answers whether all that was asked of it is met. */
const BENCHMARKS: Record<string, (options: Options) => Promise<boolean>> = {
  join,
  poll,
  hold,
  charge,
  pay,
  'seat-map': seatMap,
  push,
  'write-behind': writeBehind,
  growth,
};

const USAGE = `usage: npm run bench -- <name>... [--scale 1] [--seconds 5] [--profile]

  --scale X    of the numbers of users, requests and seats: above 0, at most 4
  --seconds S  of each run that is not over with its requests: 1 to 60
  --profile    and where onsale's own time goes

names: ${Object.keys(BENCHMARKS).join(', ')}, all`;

const { positionals, values } = readCommandLine(
  {
    scale: { type: 'string', default: '1' },
    seconds: { type: 'string', default: '5' },
    profile: { type: 'boolean', default: false },
  },
  USAGE,
);
const [scale, seconds] = [Number(values.scale), Number(values.seconds)];
const names = positionals.includes('all') ? Object.keys(BENCHMARKS) : positionals;
const unknown = names.filter((name) => !(name in BENCHMARKS));
if (names.length === 0) refuseCommandLine('No benchmark is named', USAGE);
if (unknown.length > 0) refuseCommandLine(`Unknown benchmark: ${unknown.join(', ')}`, USAGE);
if (!(scale > 0 && scale <= 4)) refuseCommandLine(`--scale ${values.scale} is not above 0 and at most 4`, USAGE);
if (!(seconds >= 1 && seconds <= 60)) refuseCommandLine(`--seconds ${values.seconds} is not from 1 to 60`, USAGE);
if (values.profile) profileAll();
for (const name of names) {
  console.log(
    `\n## ${name}\n\n${machineLine()}; load before: ${loadavg()
      .map((load) => load.toFixed(1))
      .join(' ')}`,
  );
  const met = await BENCHMARKS[name]?.({ scale, seconds });
  console.log(`\n${name}: ${met ? 'all targets met' : 'targets missed'}`);
}
