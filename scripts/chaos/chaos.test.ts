/** The short form of each case: something was really done, and every promise held. `npm run chaos` runs the long forms. */
import { expect, test } from 'vitest';
import { abuse } from './abuse.ts';
import type { Case } from './case.ts';
import { postgresAway, redisAway } from './away.ts';
import { clock } from './clock.ts';
import { cluster } from './cluster.ts';
import { cut } from './cut.ts';
import { history } from './history.ts';
import { kill } from './kill.ts';
import { redisFull } from './redis-full.ts';
import { rebuild } from './rebuild.ts';
import { renderTable, renderVerdict } from './report.ts';
import { restart } from './restart.ts';
import { shortForm } from './short-form.ts';
import { slowClient } from './slow-client.ts';
import { tornLog } from './torn-log.ts';

/** One line a case. */
const CASES: Case[] = [
  kill,
  cut,
  redisFull,
  clock,
  slowClient,
  postgresAway,
  redisAway,
  restart,
  tornLog,
  history,
  cluster,
  abuse,
  rebuild,
];
for (const each of CASES) shortForm(each);

test('a verdict names its violations, and the table counts them', () => {
  const checks = [
    { what: 'no seat has two owners', looked: 7, violations: ['A-1-1: u_1 and u_2'] },
    { what: 'the books balance', looked: 2, violations: [] },
  ];
  const verdict = {
    done: 'killed',
    runs: 3,
    operations: 9,
    answered: 8,
    unknown: 1,
    refused: { SEAT_TAKEN: 2 },
    checks,
  };
  expect(renderVerdict(verdict)).toContain(
    'VIOLATED no seat has two owners (7 looked at)\n         - A-1-1: u_1 and u_2',
  );
  expect(renderTable([{ name: 'kill', verdict, seconds: 4.2 }])).toContain('| kill | 3 | 9 | 8 | 1 | 9 | 1 | 4 |');
});
