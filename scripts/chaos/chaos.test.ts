/** Short forms of the cases that end processes: something was really done, and every promise held. `npm run chaos` runs the long forms. */
import { expect, test } from 'vitest';
import { kill } from './kill.ts';
import { postgresAway } from './postgres-away.ts';
import { redisAway } from './redis-away.ts';
import { renderTable, renderVerdict } from './report.ts';
import { restart } from './restart.ts';
import { shortForm } from './short-form.ts';

for (const each of [kill, restart, postgresAway, redisAway]) shortForm(each);

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
