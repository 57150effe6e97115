/** A concert from a file: first what would change, then the change. */
import { useState } from 'preact/hooks';
import { Note } from '../ui/parts.tsx';
import { COLUMNS, type Input, readFile } from './import-file.ts';
import { type Before, type Difference, differenceOf, refusalInWords } from './import-words.ts';
import { onsale } from './operator.ts';

interface Plan {
  input: Input;
  difference: Difference;
}

export function Import({ done }: { done: (concertId: string) => void }) {
  const [plan, setPlan] = useState<Plan | null>(null);
  const [told, tell] = useState<{ kind: 'good' | 'bad'; text: string } | null>(null);

  async function look(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    setPlan(null);
    tell(null);
    try {
      const input = await readForm(event.currentTarget as HTMLFormElement);
      const [before, answer] = await Promise.all([readBefore(input), onsale().putConcert({ ...input, dryRun: true })]);
      if (!answer.ok) return tell({ kind: 'bad', text: refusalInWords(answer, input, 'read') });
      if (before === 'unknown')
        return tell({ kind: 'bad', text: 'What is there now could not be read. Nothing was changed; try again.' });
      setPlan({ input, difference: differenceOf(input, answer.body, before) });
    } catch (error) {
      tell({ kind: 'bad', text: `The file cannot be read: ${error instanceof Error ? error.message : String(error)}` });
    }
  }

  async function apply({ input }: Plan): Promise<void> {
    const answer = await onsale().putConcert(input);
    setPlan(null);
    if (!answer.ok) return tell({ kind: 'bad', text: refusalInWords(answer, input, 'change') });
    tell({ kind: 'good', text: `${answer.body.title} is ${answer.status === 201 ? 'created' : 'changed'}.` });
    done(answer.body.concertId);
  }

  return (
    <section class="card" id="import">
      <h2>Import</h2>
      <p class="soft small">
        A JSON file as the API takes it, or CSV with the columns {COLUMNS.join(', ')} (a line a row of seats); title and
        venue are needed with CSV only.
      </p>
      <Form submit={look} changed={() => setPlan(null)} />
      {plan && <Shown difference={plan.difference} apply={() => void apply(plan)} />}
      {told && (
        <Note kind={told.kind}>
          <span class="lines-kept">{told.text}</span>
        </Note>
      )}
    </section>
  );
}

/** What is there now; null where nothing is. */
async function readBefore({ concertId }: Input): Promise<Before | null | 'unknown'> {
  const [concert, room] = await Promise.all([onsale().concert({ concertId }), onsale().readRoom({ concertId })]);
  if (concert.ok) return { concert: concert.body, room: room.ok ? room.body : null };
  return concert.code === 'CONCERT_NOT_FOUND' ? null : 'unknown';
}

function Shown({
  difference: { title, seats, lines, sections },
  apply,
}: {
  difference: Difference;
  apply: () => void;
}) {
  return (
    <Note title={title} kind="warn">
      <div class="stack" data-testid="difference">
        <p>{seats}</p>
        <ul class="dots">
          {lines.map((line) => (
            <li key={line}>{line}</li>
          ))}
        </ul>
        {sections.length > 0 && (
          <details open={sections.length <= 6}>
            <summary>Sections, as the file has them</summary>
            <ul class="dots">
              {sections.map((line) => (
                <li key={line}>{line}</li>
              ))}
            </ul>
          </details>
        )}
        <p>
          <button type="button" class="main" onClick={apply}>
            Apply
          </button>
        </p>
      </div>
    </Note>
  );
}

/** `changed`: what was shown is not what would be applied any more. */
function Form({ submit, changed }: { submit: (event: SubmitEvent) => Promise<void>; changed: () => void }) {
  return (
    <form class="stack" onSubmit={(event) => void submit(event)} onInput={changed}>
      <div class="fields">
        <label>
          Concert id
          <input name="concertId" required pattern="[a-z0-9][a-z0-9\-]{0,63}" title="small letters, digits and -" />
        </label>
        <label>
          Title
          <input name="title" maxLength={200} />
        </label>
        <label>
          Venue
          <input name="venue" maxLength={200} />
        </label>
        <label>
          Time zone
          <input name="timeZone" placeholder="UTC" />
        </label>
        <label class="wide">
          File
          <input name="file" type="file" accept=".json,.csv,application/json,text/csv" required />
        </label>
      </div>
      <button type="submit">Show what would change</button>
    </form>
  );
}

async function readForm(form: HTMLFormElement): Promise<Input> {
  const field = (name: string) => form.elements.namedItem(name) as HTMLInputElement;
  const [file] = field('file').files ?? [];
  if (!file) throw new Error('none was chosen.');
  const value = (name: string) => field(name).value.trim();
  const fields = {
    concertId: value('concertId'),
    title: value('title'),
    venue: value('venue'),
    timeZone: value('timeZone'),
  };
  return readFile(file.name, await file.text(), fields);
}
