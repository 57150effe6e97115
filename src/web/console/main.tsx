/** The operator's console: one concert at a time, on one page. */
import { render } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { Concert } from '../../client/index.ts';
import { Note } from '../ui/parts.tsx';
import { Audit } from './audit.tsx';
import { Charts } from './charts.tsx';
import { Controls } from './controls.tsx';
import { Import } from './import.tsx';
import { onsale, operatorKey, sentenceOf, signIn, signOut, WRONG_KEY } from './operator.ts';
import { Places } from './places.tsx';
import { useSamples } from './samples.ts';

const NOT_THE_KEY = `${WRONG_KEY} It is what OPERATOR_KEY was at the server’s start or, where that is unset, the text of .data/operator-key on its machine. Where OPERATOR_KEY is off, no key is taken.`;

function Fault({ text }: { text: string }) {
  return <Note kind="bad">{text}</Note>;
}

function SignIn() {
  const [fault, setFault] = useState('');
  async function submit(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    const key = ((event.currentTarget as HTMLFormElement).elements.namedItem('key') as HTMLInputElement).value.trim();
    // No browser sends other letters in a header.
    if (!/^[\x21-\x7e]+$/.test(key)) return setFault(NOT_THE_KEY);
    const answer = await onsale().with({ operatorKey: key }).inspectPlace({ concertId: 'none', queueId: 'none' });
    // The key is good where the concert is what is missing.
    if (answer.ok || answer.code === 'CONCERT_NOT_FOUND') return signIn(key);
    const refused = answer.code === 'FORBIDDEN' || answer.code === 'UNAUTHENTICATED';
    setFault(refused ? NOT_THE_KEY : sentenceOf(answer));
  }
  return (
    <section class="card narrow">
      <h1>Console</h1>
      <form class="stack" onSubmit={(event) => void submit(event)}>
        <label>
          Operator key
          <input name="key" type="password" autocomplete="off" required />
        </label>
        <p class="soft small">OPERATOR_KEY, or the one in .data/operator-key. It is kept in this tab only.</p>
        {fault && <Fault text={fault} />}
        <button type="submit" class="main">
          Sign in
        </button>
      </form>
    </section>
  );
}

function Console() {
  const [concerts, setConcerts] = useState<readonly Concert[] | null>(null);
  const [chosen, choose] = useState('');
  const [fault, setFault] = useState('');
  async function load(concertId?: string): Promise<void> {
    const all: Concert[] = [];
    for (let cursor: string | null | undefined; cursor !== null; ) {
      const answer = await onsale().concerts({ limit: 100, cursor });
      if (!answer.ok) return setFault(sentenceOf(answer));
      all.push(...answer.body.concerts);
      cursor = answer.body.nextCursor;
    }
    setFault('');
    setConcerts(all);
    choose(concertId ?? (chosen || (all[0]?.concertId ?? '')));
  }
  useEffect(() => void load(), []);
  const concert = concerts?.find(({ concertId }) => concertId === chosen);
  return (
    <>
      <div class="row spread head">
        <h1>Console</h1>
        <label class="row">
          Concert
          <select aria-label="Concert" value={chosen} onChange={(event) => choose(event.currentTarget.value)}>
            {concerts?.map(({ concertId, title }) => (
              <option key={concertId} value={concertId}>
                {title} ({concertId})
              </option>
            ))}
          </select>
        </label>
      </div>
      {fault && <Fault text={fault} />}
      {concert && <Overview concert={concert} />}
      {concerts?.length === 0 && <Note>There is no concert yet: import one below.</Note>}
      <div class="two">
        <Import done={(concertId) => void load(concertId)} />
        <Audit />
      </div>
      <p class="soft small">
        <Jobs /> Every number here is in <a href="/metrics">/metrics</a> too.
      </p>
    </>
  );
}

/** Served by the worker, on a port of its own, behind the same key as the password. */
function Jobs() {
  const told = document.querySelector<HTMLMetaElement>('meta[name="onsale-jobs"]')?.content ?? '';
  if (told === '')
    return <>The worker’s own page, with the jobs behind the answers, is off: OPERATOR_PORT turns it on.</>;
  const url = told.startsWith(':') ? `${location.protocol}//${location.hostname}${told}/` : told;
  return (
    <>
      <a href={url}>Jobs behind the answers</a> (bull-board of the worker; any user name, the operator key as password).
    </>
  );
}

const JUMPS = [
  ['room', 'Waiting room'],
  ['place', 'A place'],
  ['charts', 'Charts'],
  ['import', 'Import'],
  ['audit', 'Audit'],
] as const;

/** The controls come first, where there is one column: whoever has to pause the room has no time for charts. */
function Overview({ concert: { concertId, currency } }: { concert: Concert }) {
  const { samples, fault } = useSamples(concertId);
  const last = samples.at(-1);
  return (
    <div class="overview">
      {fault && <Fault text={fault} />}
      <nav class="jumps" aria-label="On this page">
        {JUMPS.map(([id, text]) => (
          <a key={id} href={`#${id}`}>
            {text}
          </a>
        ))}
      </nav>
      {last && (
        <div class="two">
          <Controls key={`room ${concertId}`} concertId={concertId} room={last.room} />
          <Places key={`place ${concertId}`} concertId={concertId} />
        </div>
      )}
      <Charts key={concertId} samples={samples} currency={currency} />
    </div>
  );
}

function App() {
  return (
    <>
      <header class="bar">
        <a class="name" href="/console">
          onsale console
        </a>
        <nav>
          <a href="/">Fan’s pages</a>
          <a href="/docs">API</a>
          {operatorKey.value && (
            <button type="button" class="plain" onClick={signOut}>
              Sign out
            </button>
          )}
        </nav>
      </header>
      <main>{operatorKey.value ? <Console /> : <SignIn />}</main>
    </>
  );
}

const root = document.getElementById('app');
// The console is English, whatever the language of the fan’s pages.
document.documentElement.lang = 'en';
if (root) render(<App />, root);
