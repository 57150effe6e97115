/** Whether the books balance. */
import { useState } from 'preact/hooks';
import type { AuditReport } from '../../client/index.ts';
import { Note } from '../ui/parts.tsx';
import { onsale, sentenceOf } from './operator.ts';
import { count } from './words.ts';

const SUMS = [
  ['charges', 'Charged'],
  ['wallets', 'In wallets'],
  ['pending', 'Pending'],
  ['payments', 'Paid'],
  ['seatsSold', 'Seats sold, Redis'],
  ['seatsRecorded', 'Seats sold, PostgreSQL'],
  ['outbox', 'In the outbox'],
] as const;

export function Audit() {
  const [report, setReport] = useState<AuditReport | null>(null);
  const [running, setRunning] = useState(false);
  const [fault, setFault] = useState('');

  /** A large one goes on behind the answer: it is asked again until it is there. */
  async function run(): Promise<void> {
    setReport(null);
    setFault('');
    setRunning(true);
    await look();
    setRunning(false);
  }

  async function look(): Promise<void> {
    for (;;) {
      const answer = await onsale().audit();
      if (!answer.ok) return setFault(sentenceOf(answer));
      if ('clean' in answer.body) return setReport(answer.body);
      const pauseMs = (answer.retryAfterSeconds ?? 5) * 1000;
      await new Promise((wake) => setTimeout(wake, pauseMs));
    }
  }

  return (
    <section class="card" id="audit">
      <h2>Audit</h2>
      <p class="soft small">
        Wallets + pending + payments = charges; seats sold in Redis = seats in PostgreSQL + outbox. It may be asked on a
        busy system.
      </p>
      <p>
        <button type="button" disabled={running} onClick={() => void run()}>
          {running ? 'Looking through the books…' : 'Run the audit'}
        </button>
      </p>
      {fault && <Note kind="bad">{fault}</Note>}
      {report && (
        <div class="stack" data-testid="verdict">
          <Note
            kind={report.clean ? 'good' : 'bad'}
            title={report.clean ? 'The books balance' : 'The books do not balance'}
          >
            {!report.clean && (
              <p>{count(report.differences.length, 'difference')}. What to do: README, “When the audit differs”.</p>
            )}
          </Note>
          <dl class="facts">
            {SUMS.map(([name, label]) => (
              <div key={name}>
                <dt>{label}</dt>
                <dd>{report[name].toLocaleString()}</dd>
              </div>
            ))}
          </dl>
          {report.differences.length > 0 && (
            <pre>
              {report.differences.map(({ kind, subject, detail }) => `${kind} ${subject}: ${detail}`).join('\n')}
            </pre>
          )}
        </div>
      )}
    </section>
  );
}
