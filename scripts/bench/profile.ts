/** `--profile`: where onsale's own time goes while a benchmark loads it, as the functions with the most time of their own. */
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { print } from './table.ts';

interface Profile {
  nodes: { id: number; children?: number[]; callFrame: { functionName: string; url: string; lineNumber: number } }[];
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

const SHOWN = 40;
const IDLE = '(idle)';

function printProfile({ nodes, samples, timeDeltas }: Profile): void {
  const names = new Map(nodes.map((node) => [node.id, nameOf(node)]));
  const parents = new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id] as const)));
  const [own, all] = [new Map<string, number>(), new Map<string, number>()];
  let busy = 0;
  samples.forEach((id, i) => {
    const name = names.get(id) ?? '';
    const micros = timeDeltas[i] ?? 0;
    if (name === IDLE) return;
    busy += micros;
    own.set(name, (own.get(name) ?? 0) + micros);
    const above = new Set<string>();
    for (let at: number | undefined = id; at !== undefined; at = parents.get(at)) above.add(names.get(at) ?? '');
    for (const each of above) all.set(each, (all.get(each) ?? 0) + micros);
  });
  for (const [what, times] of [
    ['own time', own],
    ['with what it calls', all],
  ] as const) {
    const most = [...times].sort(([, a], [, b]) => b - a).slice(0, SHOWN);
    print(
      [`onsale's functions, whole life of the server (${(busy / 1e6).toFixed(1)} s busy)`, what],
      most.map(([name, micros]) => [name, `${((100 * micros) / busy).toFixed(1)} %`]),
    );
  }
}

function nameOf({ callFrame: { functionName, url, lineNumber } }: Profile['nodes'][number]): string {
  if (url === '') return functionName;
  const file = url.replace(/^.*\/(?=(src|node_modules)\/)/, '');
  return `${functionName || '(anonymous)'} ${file}:${lineNumber + 1}`;
}
