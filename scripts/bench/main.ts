/** `npm run bench -- <name> [--scale 0.1] [--seconds 5] [--profile]`: each benchmark starts its own servers on this machine, and ends them. */
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
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

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    scale: { type: 'string', default: '1' },
    seconds: { type: 'string', default: '5' },
    profile: { type: 'boolean', default: false },
  },
});
if (values.profile) profileAll();
const [scale, seconds] = [Number(values.scale), Number(values.seconds)];
const names = positionals.includes('all') ? Object.keys(BENCHMARKS) : positionals;
const unknown = names.filter((name) => !(name in BENCHMARKS));
if (names.length === 0 || unknown.length > 0 || !(scale > 0 && scale <= 4) || !(seconds >= 1 && seconds <= 60)) {
  console.error(
    `usage: npm run bench -- <name>... [--scale 1] [--seconds 5] [--profile]; names: ${Object.keys(BENCHMARKS).join(', ')}, all`,
  );
  process.exit(2);
}
for (const name of names) {
  console.log(
    `\n## ${name}\n\n${machineLine()}; load before: ${loadavg()
      .map((load) => load.toFixed(1))
      .join(' ')}`,
  );
  const met = await BENCHMARKS[name]?.({ scale, seconds });
  console.log(`\n${name}: ${met ? 'all targets met' : 'targets missed'}`);
}
