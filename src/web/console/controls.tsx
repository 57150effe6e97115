/** The waiting room's settings: each change is confirmed with what it means. */
import { useEffect, useState } from 'preact/hooks';
import type { Room, RoomSettings, SetRoom } from '../../client/index.ts';
import { Note } from '../ui/parts.tsx';
import { Confirm, type Question } from './confirm.tsx';
import { onsale, sentenceOf } from './operator.ts';
import { changedSettings, NUMBERS, REENTRY, when } from './words.ts';

const EFFECTS: Record<Room['state'], string> = {
  OPEN: 'People are let in at once, as fast as the rate and the capacity allow.',
  PAUSED: 'Nobody is let in. People can still join and keep their places; those inside go on buying.',
  CLOSED: 'Nobody is let in, and nobody can join. Places are kept; those inside go on buying.',
};

export function Controls({ concertId, room }: { concertId: string; room: Room }) {
  const [question, ask] = useState<Question | null>(null);
  const [told, tell] = useState<{ kind: 'good' | 'bad'; text: string } | null>(null);
  const [set, setSet] = useState<SetRoom | null>(null);

  async function read(quiet = false): Promise<void> {
    const answer = await onsale().readRoom({ concertId });
    if (answer.ok) setSet(answer.body);
    else if (!quiet) tell({ kind: 'bad', text: `What the room is set to could not be read.\n${sentenceOf(answer)}` });
  }

  // Another operator, or an import, has changed it: what was typed against the settings before is gone with them.
  useEffect(() => {
    setSet(null);
    void read();
  }, [concertId, room.state, room.capacity]);

  async function patch(settings: RoomSettings, done: string): Promise<void> {
    const answer = await onsale().patchRoom({ concertId, ...settings });
    tell(answer.ok ? { kind: 'good', text: done } : { kind: 'bad', text: sentenceOf(answer, 'change') });
    // What became of the change is the news, not that the settings cannot be read either.
    await read(true);
  }

  function choose(state: Room['state']): void {
    const run = () => patch({ state }, `The room is ${state}.`);
    ask({ title: `Set the room to ${state}?`, effect: EFFECTS[state], act: `Set ${state}`, run });
  }

  function submit(event: SubmitEvent): void {
    event.preventDefault();
    if (!set) return;
    const settings = changesOf(event.currentTarget as HTMLFormElement, set);
    const words = changedSettings(settings, set);
    if (words.length === 0) return tell({ kind: 'bad', text: 'Nothing to change: the room is set like this already.' });
    const idle = settings.opensAt && set.state !== 'CLOSED';
    ask({
      title: 'Change the waiting room?',
      effect: [
        ...words,
        'It takes effect within half a second; the rest stays as it is.',
        ...(idle ? [`Only a CLOSED room opens by itself: this one is ${set.state}.`] : []),
      ].join('\n'),
      act: 'Change',
      run: () => patch(settings, `Changed.\n${words.join('\n')}`),
    });
  }

  return (
    <section class="card" id="room">
      <h2>Waiting room</h2>
      <p>
        Now <strong>{room.state}</strong>
        {room.opensAt && `, opens ${when(room.opensAt)}`}; at most {room.capacity.toLocaleString()} inside at once.
      </p>
      <States now={room.state} choose={choose} />
      {set && <Form key={JSON.stringify(set)} set={set} submit={submit} />}
      {told && (
        <Note kind={told.kind}>
          <span class="lines-kept">{told.text}</span>
        </Note>
      )}
      {question && <Confirm question={question} close={() => ask(null)} />}
    </section>
  );
}

function States({ now, choose }: { now: Room['state']; choose: (state: Room['state']) => void }) {
  return (
    <div class="chips">
      {(['OPEN', 'PAUSED', 'CLOSED'] as const).map((state) => (
        <button key={state} type="button" aria-pressed={now === state} onClick={() => choose(state)}>
          {state}
        </button>
      ))}
    </div>
  );
}

function Form({ set, submit }: { set: SetRoom; submit: (event: SubmitEvent) => void }) {
  return (
    <form class="stack" onSubmit={submit}>
      <div class="fields">
        {NUMBERS.map(([name, label, min, max]) => (
          <label key={name}>
            {label}
            <input name={name} type="number" min={min} max={max} step={1} required defaultValue={String(set[name])} />
          </label>
        ))}
        <label>
          Opens by itself at
          <input name="opensAt" type="datetime-local" defaultValue={localOf(set.opensAt)} />
        </label>
        <label>
          Queue again while inside
          <select name="reentry" defaultValue={set.reentry}>
            {Object.entries(REENTRY).map(([value, text]) => (
              <option key={value} value={value}>
                {text}
              </option>
            ))}
          </select>
        </label>
      </div>
      <button type="submit">Change…</button>
    </form>
  );
}

/** What was filled in, and is not set already. */
function changesOf(form: HTMLFormElement, set: SetRoom): RoomSettings {
  const valueOf = (name: string) => (form.elements.namedItem(name) as HTMLInputElement | HTMLSelectElement).value;
  const changes: RoomSettings = {};
  for (const [name] of NUMBERS) if (Number(valueOf(name)) !== set[name]) changes[name] = Number(valueOf(name));
  const [opensAt, reentry] = [valueOf('opensAt'), valueOf('reentry') as SetRoom['reentry']];
  if (opensAt !== localOf(set.opensAt)) changes.opensAt = opensAt === '' ? null : new Date(opensAt).toISOString();
  if (reentry !== set.reentry) changes.reentry = reentry;
  return changes;
}

/** As an input takes it: to the minute, by the clock of this browser. */
function localOf(time: string | null): string {
  if (time === null) return '';
  const ms = Date.parse(time);
  return new Date(ms - new Date(ms).getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}
