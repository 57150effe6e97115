/** A verdict as text. */
import type { Verdict } from './case.ts';

const SHOWN = 20;

const violated = ({ checks }: Verdict): number => checks.reduce((sum, { violations }) => sum + violations.length, 0);

const list = (counts: Record<string, number>): string =>
  Object.entries(counts)
    .sort(([, a], [, b]) => b - a)
    .map(([code, count]) => `${code} ${count}`)
    .join(', ') || 'none';

export function renderVerdict(verdict: Verdict): string {
  const lines = [
    verdict.done,
    `operations ${verdict.operations}: answered ${verdict.answered}; without an answer at first ${verdict.unknown}; refused: ${list(verdict.refused)}`,
  ];
  for (const { what, looked, violations } of verdict.checks) {
    lines.push(`${violations.length === 0 ? 'holds   ' : 'VIOLATED'} ${what} (${looked} looked at)`);
    lines.push(...violations.slice(0, SHOWN).map((line) => `         - ${line}`));
    if (violations.length > SHOWN) lines.push(`         - and ${violations.length - SHOWN} more`);
  }
  return lines.join('\n');
}

/** The verdicts of a run, as a table in Markdown. */
export function renderTable(verdicts: readonly { name: string; verdict: Verdict; seconds: number }[]): string {
  const rows = verdicts.map(({ name, verdict, seconds }) => {
    const { runs, operations, answered, unknown, checks } = verdict;
    const looked = checks.reduce((sum, check) => sum + check.looked, 0);
    return [name, runs, operations, answered, unknown, looked, violated(verdict), seconds.toFixed(0)];
  });
  const head = ['case', 'runs', 'operations', 'answered', 'unknown, repeated', 'looked at', 'violations', 'seconds'];
  return [head, head.map((_, column) => (column === 0 ? '---' : '---:')), ...rows]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n');
}
