import { spawnSync } from 'node:child_process';
import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { atEndOfTurn } from './turn.ts';

test('asks, then sends, then answers, in whatever order they came; what an ask sends leaves in the same turn', async () => {
  const done: string[] = [];
  atEndOfTurn('answer', () => done.push('answer'));
  atEndOfTurn('send', () => done.push('send'));
  atEndOfTurn('ask', () => {
    done.push('ask');
    atEndOfTurn('send', () => done.push('send of ask'));
    atEndOfTurn('answer', () => done.push('answer of ask'));
  });
  expect(done).toEqual([]);
  await turn();
  expect(done).toEqual(['ask', 'send', 'send of ask', 'answer', 'answer of ask']);
});

test('what comes for a stage that is going on, or is over, is done at the end of the next turn', async () => {
  const done: string[] = [];
  atEndOfTurn('answer', () => {
    done.push('answer');
    atEndOfTurn('answer', () => done.push('next answer'));
    atEndOfTurn('ask', () => done.push('next ask'));
  });
  await turn();
  expect(done).toEqual(['answer']);
  await turn();
  expect(done).toEqual(['answer', 'next ask', 'next answer']);
});

test('what throws is fatal as anywhere else, after the others were done', () => {
  const code = `
    import { atEndOfTurn } from ${JSON.stringify(new URL('turn.ts', import.meta.url).href)};
    process.on('exit', (code) => console.log('ends with', code));
    atEndOfTurn('ask', () => { throw new Error('of an ask'); });
    atEndOfTurn('answer', () => console.log('answered'));`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', code], { encoding: 'utf8' });
  expect(stdout).toBe('answered\nends with 1\n');
  expect(stderr).toContain('Error: of an ask');
});
