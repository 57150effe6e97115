/** Writes the variables of the load tests into the README's table: `node scripts/document-load.ts`. */
import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { PLANS } from '../loadtest/shared/plans.ts';

const BLOCK = /<!-- load -->[\s\S]*<!-- \/load -->/;

export function readmeWithLoad(readme: string): string {
  const rows = Object.entries(PLANS).flatMap(([name, { what, variables }]) => [
    `| **${name}** | | | ${what} |`,
    ...Object.entries(variables).map(([key, one]) => `| \`${key}\` | ${one.value} | ${one.cluster} | ${one.what} |`),
  ]);
  const head = ['| variable | here | a cluster | what it is |', '|---|---|---|---|'];
  return readme.replace(BLOCK, () => ['<!-- load -->', ...head, ...rows, '<!-- /load -->'].join('\n'));
}

if (import.meta.main) {
  const readme = resolve(import.meta.dirname, '../README.md');
  writeFileSync(readme, readmeWithLoad(readFileSync(readme, 'utf8')));
}
