/** `--profile`: where onsale's own time goes while a benchmark loads it, as the functions with the most time of their own. */
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { print } from './table.ts';

interface Profile {
  nodes: { id: number; callFrame: { functionName: string; url: string; lineNumber: number } }[];
  samples: number[];
  timeDeltas: number[];
}

let on = false;

export function profileAll(): void {
  on = true;
}

/** For the environment of a server to be looked at. */
export function profilingInto(dir: string): Record<string, string> {
  return on ? { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${dir}` } : {};
}

/** After the server has ended: prints what it left in the folder. */
export function printProfiles(dir: string): void {
  for (const file of readdirSync(dir).filter((name) => name.endsWith('.cpuprofile'))) {
    printProfile(JSON.parse(readFileSync(join(dir, file), 'utf8')) as Profile);
    rmSync(join(dir, file));
  }
}

const SHOWN = 30;
const IDLE = '(idle)';

function printProfile({ nodes, samples, timeDeltas }: Profile): void {
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]));
  const [functions, files] = [new Map<string, number>(), new Map<string, number>()];
  let busy = 0;
  samples.forEach((id, i) => {
    const { functionName, url, lineNumber } = frames.get(id) ?? { functionName: '', url: '', lineNumber: 0 };
    if (functionName === IDLE) return;
    const micros = timeDeltas[i] ?? 0;
    const file = url.replace(/^.*\/(?=(src|node_modules)\/)/, '') || functionName;
    const name = url === '' ? functionName : `${functionName || '(anonymous)'} ${file}:${lineNumber + 1}`;
    functions.set(name, (functions.get(name) ?? 0) + micros);
    files.set(file, (files.get(file) ?? 0) + micros);
    busy += micros;
  });
  for (const [what, times] of [
    ['function', functions],
    ['file', files],
  ] as const) {
    const most = [...times].sort(([, a], [, b]) => b - a).slice(0, SHOWN);
    print(
      [`${what} of onsale, whole life of the server (${(busy / 1e6).toFixed(1)} s busy)`, 'own time'],
      most.map(([name, micros]) => [name, `${((100 * micros) / busy).toFixed(1)} %`]),
    );
  }
}
