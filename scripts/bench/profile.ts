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
/** What every served call goes through: what was before it is the start. */
const SERVES = /\/src\/http\/exchange\.ts$/;

type Node = Profile['nodes'][number];

function printProfile({ nodes, samples, timeDeltas }: Profile): void {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const parents = new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id] as const)));
  const [places, own, all] = [new Map<string, number>(), new Map<string, number>(), new Map<string, number>()];
  const first = samples.findIndex((id) => SERVES.test(byId.get(id)?.callFrame.url ?? ''));
  let busy = 0;
  samples.forEach((id, i) => {
    const node = byId.get(id);
    const micros = timeDeltas[i] ?? 0;
    if (!node || i < first || node.callFrame.functionName === IDLE) return;
    busy += micros;
    add(places, placeOf(node), micros);
    add(own, nameOf(node), micros);
    const above = new Set<Node>();
    for (let at: number | undefined = id; at !== undefined; at = parents.get(at)) above.add(byId.get(at) ?? node);
    for (const name of new Set([...above].map(nameOf))) add(all, name, micros);
  });
  for (const [what, times] of [
    ['by place, own time', places],
    ['functions, own time', own],
    ['functions, with what they call', all],
  ] as const) {
    const most = [...times].sort(([, a], [, b]) => b - a).slice(0, SHOWN);
    print(
      [`onsale from its first call on (${(busy / 1e6).toFixed(1)} s busy), ${what}`, ''],
      most.map(([name, micros]) => [name, `${((100 * micros) / busy).toFixed(1)} %`]),
    );
  }
}

function add(times: Map<string, number>, name: string, micros: number): void {
  times.set(name, (times.get(name) ?? 0) + micros);
}

/** The folder or package whose code it is. */
function placeOf({ callFrame: { functionName, url } }: Node): string {
  if (functionName === '(program)') return 'the kernel, uWebSockets.js and libuv, outside of JavaScript';
  if (functionName.startsWith('(')) return functionName;
  if (url === '') return 'native calls of JavaScript (uWebSockets.js, node:crypto, V8)';
  return /(node_modules\/[^/]+|src\/[^/]+)/.exec(url)?.[1] ?? url.replace(/\/.*$/, '');
}

function nameOf({ callFrame: { functionName, url, lineNumber } }: Node): string {
  if (url === '') return functionName;
  const file = url.replace(/^.*\/(?=(src|node_modules)\/)/, '');
  return `${functionName || '(anonymous)'} ${file}:${lineNumber + 1}`;
}
