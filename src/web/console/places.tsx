/** One place: what it is, whose, its holds; and its removal. */
import { useState } from 'preact/hooks';
import type { Inspected } from '../../client/index.ts';
import { Note } from '../ui/parts.tsx';
import { Confirm, type Question } from './confirm.tsx';
import { onsale, sentenceOf } from './operator.ts';

export function Places({ concertId }: { concertId: string }) {
  const [found, setFound] = useState<Inspected | null>(null);
  const [told, tell] = useState<{ kind: 'good' | 'bad'; text: string } | null>(null);
  const [question, ask] = useState<Question | null>(null);

  async function look(queueId: string): Promise<void> {
    const answer = await onsale().inspectPlace({ concertId, queueId });
    setFound(answer.ok ? answer.body : null);
    tell(answer.ok ? null : { kind: 'bad', text: sentenceOf(answer) });
  }

  async function remove({ queueId }: Inspected): Promise<void> {
    const answer = await onsale().removePlace({ concertId, queueId });
    if (answer.ok) await look(queueId);
    tell(answer.ok ? { kind: 'good', text: `${queueId} is removed.` } : { kind: 'bad', text: sentenceOf(answer) });
  }

  return (
    <section class="card">
      <h2>A place</h2>
      <form
        class="row"
        onSubmit={(event) => {
          event.preventDefault();
          void look((event.currentTarget.elements.namedItem('queueId') as HTMLInputElement).value.trim());
        }}
      >
        <label>
          Queue id
          <input name="queueId" required />
        </label>
        <button type="submit">Look up</button>
      </form>
      {found && (
        <>
          <dl class="facts">
            {(['status', 'reason', 'position', 'sequence', 'userId', 'joinedAt', 'expiresAt'] as const).map((name) => (
              <div key={name}>
                <dt>{name}</dt>
                <dd class="small">{found[name] ?? '–'}</dd>
              </div>
            ))}
          </dl>
          {found.holds.map(({ reservationId, seats, expiresAt }) => (
            <p key={reservationId} class="small">
              {reservationId}: {seats} seats until {new Date(expiresAt).toLocaleTimeString()}
            </p>
          ))}
          <p>
            <button
              type="button"
              onClick={() =>
                ask({
                  title: 'Remove this place?',
                  effect: `${found.queueId} leaves the line for good, and its user's ${found.holds.length} holds here go back on sale. What is paid stays.`,
                  act: 'Remove',
                  run: () => remove(found),
                })
              }
            >
              Remove…
            </button>
          </p>
        </>
      )}
      {told && <Note kind={told.kind}>{told.text}</Note>}
      {question && <Confirm question={question} close={() => ask(null)} />}
    </section>
  );
}
