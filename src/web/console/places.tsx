/** One place, by its own id or its user's: what it is, whose, its holds; and its removal. */
import { useState } from 'preact/hooks';
import type { Inspected, Ticket } from '../../client/index.ts';
import { Note } from '../ui/parts.tsx';
import { Confirm, type Question } from './confirm.tsx';
import { onsale, sentenceOf } from './operator.ts';
import { count, moment } from './words.ts';

type Message = { kind: 'good' | 'bad'; text: string } | null;
type Where = Pick<Ticket, 'concertId' | 'queueId'>;

export function Places({ concertId }: { concertId: string }) {
  const [listed, list] = useState<readonly Ticket[]>([]);
  const [found, setFound] = useState<Inspected | null>(null);
  const [told, tell] = useState<Message>(null);

  async function show({ concertId: room, queueId }: Where): Promise<void> {
    const answer = await onsale().inspectPlace({ concertId: room, queueId });
    setFound(answer.ok ? answer.body : null);
    tell(answer.ok ? null : { kind: 'bad', text: sentenceOf(answer) });
  }

  /** In whichever room: whoever calls for help seldom knows the id of the concert. */
  async function showUser(userId: string): Promise<void> {
    const answer = await onsale().places({ userId });
    if (!answer.ok) return tell({ kind: 'bad', text: sentenceOf(answer) });
    const { places } = answer.body;
    if (places.length === 0)
      return tell({
        kind: 'bad',
        text: 'This user has no live place in any waiting room: nobody waits or buys as them.',
      });
    if (places.length > 1) list(places);
    else for (const place of places) await show(place);
  }

  async function look(id: string): Promise<void> {
    setFound(null);
    list([]);
    tell(null);
    await (id.startsWith('q_') ? show({ concertId, queueId: id }) : showUser(id));
  }

  async function remove(place: Inspected): Promise<void> {
    const answer = await onsale().removePlace({ concertId: place.concertId, queueId: place.queueId });
    if (answer.ok) await show(place);
    tell(
      answer.ok
        ? { kind: 'good', text: `${place.queueId} is removed.` }
        : { kind: 'bad', text: sentenceOf(answer, 'change') },
    );
  }

  return (
    <section class="card" id="place">
      <h2>A place</h2>
      <Search look={look} />
      {listed.length > 0 && <Choice places={listed} show={show} />}
      {found && <Found place={found} remove={remove} />}
      {told && <Note kind={told.kind}>{told.text}</Note>}
    </section>
  );
}

function Search({ look }: { look: (id: string) => Promise<void> }) {
  return (
    <form
      class="search"
      onSubmit={(event) => {
        event.preventDefault();
        void look((event.currentTarget.elements.namedItem('id') as HTMLInputElement).value.trim());
      }}
    >
      <label>
        Queue id or user id
        <input name="id" required autocomplete="off" spellcheck={false} />
      </label>
      <button type="submit">Look up</button>
    </form>
  );
}

function Choice({ places, show }: { places: readonly Ticket[]; show: (where: Where) => Promise<void> }) {
  return (
    <ul class="stack" aria-label="Places of this user">
      {places.map((place) => (
        <li key={place.queueId} class="row">
          <button type="button" onClick={() => void show(place)}>
            {place.concertId}: {place.status}
          </button>
          <span class="small">joined {moment(place.joinedAt)}</span>
        </li>
      ))}
    </ul>
  );
}

function Found({ place, remove }: { place: Inspected; remove: (place: Inspected) => Promise<void> }) {
  const [question, ask] = useState<Question | null>(null);
  const { queueId, userId, concertId, status, reason, position, sequence, joinedAt, expiresAt, holds } = place;
  const live = status === 'WAITING' || status === 'ACTIVE';
  const facts = [
    ['Status', reason ? `${status} (${reason})` : status],
    ['Position', position === null ? 'not in line' : position.toLocaleString()],
    ['Number in order of joining', sequence.toLocaleString()],
    ['Joined', moment(joinedAt)],
    ['Ends', expiresAt === null ? 'no time set' : moment(expiresAt)],
    ['Concert', concertId],
  ];
  const back =
    holds.length === 0
      ? 'its user has no holds here'
      : `its user’s ${count(holds.length, 'hold')} here ${holds.length === 1 ? 'goes' : 'go'} back on sale`;
  return (
    <>
      <dl class="facts" data-testid="place">
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd class="small">{value}</dd>
          </div>
        ))}
        {[
          ['Queue id', queueId],
          ['User id', userId],
        ].map(([name, id]) => (
          <div key={name} class="wide">
            <dt>{name}</dt>
            <dd class="small">{id}</dd>
          </div>
        ))}
      </dl>
      <ul class="small">
        {holds.map(({ reservationId, seats, expiresAt: end }) => (
          <li key={reservationId}>
            Hold of {count(seats, 'seat')} until {moment(end)}: {reservationId}
          </li>
        ))}
      </ul>
      {live && (
        <p>
          <button
            type="button"
            onClick={() =>
              ask({
                title: 'Remove this place?',
                effect: `${queueId} leaves the line for good; ${back}. What is paid stays.`,
                act: 'Remove',
                danger: true,
                run: () => remove(place),
              })
            }
          >
            Remove…
          </button>
        </p>
      )}
      {question && <Confirm question={question} close={() => ask(null)} />}
    </>
  );
}
