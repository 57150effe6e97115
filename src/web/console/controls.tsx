/** The waiting room's settings: each change is confirmed with what it means. */
import { useState } from 'preact/hooks';
import type { Room, RoomSettings } from '../../client/index.ts';
import { Note } from '../ui/parts.tsx';
import { Confirm, type Question } from './confirm.tsx';
import { onsale, sentenceOf } from './operator.ts';

const EFFECTS: Record<Room['state'], string> = {
  OPEN: 'People are let in at once, as fast as the rate and the capacity allow.',
  PAUSED: 'Nobody is let in. People can still join and keep their places; those inside go on buying.',
  CLOSED: 'Nobody is let in, and nobody can join. Places are kept; those inside go on buying.',
};

const NUMBERS = [
  ['capacity', 'Active at once', 0, 1_000_000],
  ['admitPerSecond', 'Admitted a second', 0, 100_000],
  ['sessionSeconds', 'Session, seconds', 1, 86_400],
  ['claimSeconds', 'To come in, seconds', 1, 86_400],
] as const;

export function Controls({ concertId, room }: { concertId: string; room: Room }) {
  const [question, ask] = useState<Question | null>(null);
  const [told, tell] = useState<{ kind: 'good' | 'bad'; text: string } | null>(null);

  async function patch(settings: RoomSettings, done: string): Promise<void> {
    const answer = await onsale().patchRoom({ concertId, ...settings });
    tell(answer.ok ? { kind: 'good', text: done } : { kind: 'bad', text: sentenceOf(answer) });
  }

  function submit(event: SubmitEvent): void {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    const settings = settingsOf(form);
    const words = Object.entries(settings).map(([name, value]) => `${name} = ${value}`);
    if (words.length === 0) return tell({ kind: 'bad', text: 'Nothing to change: fill in what is to be set anew.' });
    ask({
      title: 'Change the waiting room?',
      effect: `${words.join(', ')}. It takes effect within half a second; what is left empty stays as it is.`,
      act: 'Change',
      run: () => patch(settings, `Set: ${words.join(', ')}`),
    });
  }

  return (
    <section class="card">
      <h2>Waiting room</h2>
      <p>
        Now <strong>{room.state}</strong>
        {room.opensAt && `, opens ${new Date(room.opensAt).toLocaleString()}`}; at most {room.capacity} active at once.
      </p>
      <div class="chips">
        {(['OPEN', 'PAUSED', 'CLOSED'] as const).map((state) => (
          <button
            key={state}
            type="button"
            aria-pressed={room.state === state}
            onClick={() =>
              ask({
                title: `Set the room to ${state}?`,
                effect: EFFECTS[state],
                act: `Set ${state}`,
                run: () => patch({ state }, `The room is ${state}.`),
              })
            }
          >
            {state}
          </button>
        ))}
      </div>
      <Form submit={submit} />
      {told && <Note kind={told.kind}>{told.text}</Note>}
      {question && <Confirm question={question} close={() => ask(null)} />}
    </section>
  );
}

function Form({ submit }: { submit: (event: SubmitEvent) => void }) {
  return (
    <form class="stack" onSubmit={submit}>
      <div class="fields">
        {NUMBERS.map(([name, label, min, max]) => (
          <label key={name}>
            {label}
            <input name={name} type="number" min={min} max={max} step={1} placeholder="unchanged" />
          </label>
        ))}
        <label>
          Opens by itself at
          <input name="opensAt" type="datetime-local" />
        </label>
        <label>
          Queue again while inside
          <select name="reentry">
            <option value="">unchanged</option>
            <option value="reject">reject</option>
            <option value="supersede">supersede</option>
          </select>
        </label>
      </div>
      <button type="submit">Change…</button>
    </form>
  );
}

/** What was filled in. */
function settingsOf(form: HTMLFormElement): RoomSettings {
  const valueOf = (name: string) => (form.elements.namedItem(name) as HTMLInputElement | HTMLSelectElement).value;
  const settings: RoomSettings = {};
  for (const [name] of NUMBERS) if (valueOf(name) !== '') settings[name] = Number(valueOf(name));
  const [opensAt, reentry] = [valueOf('opensAt'), valueOf('reentry')];
  if (opensAt !== '') settings.opensAt = new Date(opensAt).toISOString();
  if (reentry === 'reject' || reentry === 'supersede') settings.reentry = reentry;
  return settings;
}
