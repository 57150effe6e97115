/** A concert from a file: first what would change, then the change. */
import { csvParseRows } from 'd3-dsv';
import { useState } from 'preact/hooks';
import type { Calls } from '../../client/index.ts';
import { Note } from '../ui/parts.tsx';
import { onsale, sentenceOf } from './operator.ts';

type Input = Calls['putConcert']['input'];
type Section = Input['schedules'][number]['sections'][number];

interface Plan {
  input: Input;
  /** null while it was not asked; else what it would do */
  difference: { added: number; removed: number; repriced: number; unchanged: number };
}

const COLUMNS = ['scheduleId', 'startsAt', 'section', 'price', 'row', 'seats'];

export function Import({ done }: { done: (concertId: string) => void }) {
  const [plan, setPlan] = useState<Plan | null>(null);
  const [told, tell] = useState<{ kind: 'good' | 'bad'; text: string } | null>(null);

  async function look(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    setPlan(null);
    try {
      const input = await readForm(event.currentTarget as HTMLFormElement);
      const answer = await onsale().putConcert({ ...input, dryRun: true });
      if (!answer.ok) return tell({ kind: 'bad', text: `Nothing was changed.\n${sentenceOf(answer)}` });
      const { added, removed, repriced, unchanged } = answer.body;
      tell(null);
      setPlan({ input, difference: { added, removed, repriced, unchanged } });
    } catch (error) {
      tell({ kind: 'bad', text: `The file cannot be read: ${error instanceof Error ? error.message : String(error)}` });
    }
  }

  async function apply({ input }: Plan): Promise<void> {
    const answer = await onsale().putConcert(input);
    if (!answer.ok) return tell({ kind: 'bad', text: `Nothing was changed.\n${sentenceOf(answer)}` });
    setPlan(null);
    tell({ kind: 'good', text: `${answer.body.title} is ${answer.status === 201 ? 'created' : 'changed'}.` });
    done(answer.body.concertId);
  }

  return (
    <section class="card">
      <h2>Import</h2>
      <p class="soft small">
        A JSON file as the API takes it, or CSV with the columns {COLUMNS.join(', ')} (a line a row of seats); title and
        venue are needed with CSV only.
      </p>
      <Form submit={look} />
      {plan && (
        <Note title="This would change" kind="warn">
          <p data-testid="difference">
            {plan.difference.added} seats added, {plan.difference.removed} removed, {plan.difference.repriced} repriced,{' '}
            {plan.difference.unchanged} as they are.
          </p>
          <p>
            <button type="button" class="main" onClick={() => void apply(plan)}>
              Apply
            </button>
          </p>
        </Note>
      )}
      {told && (
        <Note kind={told.kind}>
          <span class="lines-kept">{told.text}</span>
        </Note>
      )}
    </section>
  );
}

function Form({ submit }: { submit: (event: SubmitEvent) => Promise<void> }) {
  return (
    <form class="stack" onSubmit={(event) => void submit(event)}>
      <div class="fields">
        <label>
          Concert id
          <input name="concertId" required pattern="[a-z0-9][a-z0-9\-]{0,63}" />
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
        <label>
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
  if (!file) throw new Error('no file was chosen');
  const text = await file.text();
  const concertId = field('concertId').value;
  if (!/\.csv$/i.test(file.name)) return { ...(JSON.parse(text) as Input), concertId };
  const [title, venue, timeZone] = [field('title').value, field('venue').value, field('timeZone').value];
  if (title === '' || venue === '') throw new Error('a CSV file says nothing of title and venue: fill them in');
  return { concertId, title, venue, ...(timeZone && { timeZone }), schedules: schedulesOf(text) };
}

/** Lines of one schedule and section may stand anywhere; rows are in the order of the lines. */
function schedulesOf(text: string): Input['schedules'] {
  // Not csvParse: it makes its reader by `new Function`, which the page's policy forbids.
  const [columns = [], ...lines] = csvParseRows(text.trim());
  const missing = COLUMNS.filter((name) => !columns.includes(name));
  if (missing.length > 0) throw new Error(`columns are missing: ${missing.join(', ')}`);
  const schedules = new Map<string, Input['schedules'][number] & { sections: Section[] }>();
  for (const [i, line] of lines.entries()) {
    const of = (name: string) => line[columns.indexOf(name)]?.trim() ?? '';
    const [scheduleId, startsAt, section] = [of('scheduleId'), of('startsAt'), of('section')];
    const [price, row, seats] = [Number(of('price')), of('row'), Number(of('seats'))];
    const schedule = schedules.get(scheduleId) ?? { scheduleId, startsAt, sections: [] };
    schedules.set(scheduleId, schedule);
    let found = schedule.sections.find((one) => one.section === section);
    if (!found) {
      found = { section, price, rows: [] };
      schedule.sections.push(found);
    }
    if (found.price !== price) throw new Error(`line ${i + 2}: section ${section} has two prices`);
    found.rows.push({ row, seats });
  }
  return [...schedules.values()];
}
