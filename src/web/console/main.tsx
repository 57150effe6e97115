/** The operator's console: one concert at a time, on one page. */
import { render } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { Concert } from '../../client/index.ts';
import { Fault, Note } from '../ui/parts.tsx';
import { Audit } from './audit.tsx';
import { Charts } from './charts.tsx';
import { Controls } from './controls.tsx';
import { Import } from './import.tsx';
import { onsale, operatorKey, sentenceOf, signIn, signOut } from './operator.ts';
import { Places } from './places.tsx';
import { useSamples } from './samples.ts';

function SignIn() {
  const [fault, setFault] = useState('');
  async function submit(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    const key = ((event.currentTarget as HTMLFormElement).elements.namedItem('key') as HTMLInputElement).value.trim();
    const answer = await onsale().with({ operatorKey: key }).inspectPlace({ concertId: 'none', queueId: 'none' });
    // The key is good where the concert is what is missing.
    if (!answer.ok && answer.code === 'CONCERT_NOT_FOUND') signIn(key);
    else setFault(answer.ok ? '' : sentenceOf(answer));
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
  const [concerts, setConcerts] = useState<readonly Concert[]>([]);
  const [chosen, choose] = useState('');
  const [fault, setFault] = useState('');
  async function load(concertId?: string): Promise<void> {
    const answer = await onsale().concerts({ limit: 100 });
    if (!answer.ok) return setFault(sentenceOf(answer));
    setConcerts(answer.body.concerts);
    choose(concertId ?? (chosen || (answer.body.concerts[0]?.concertId ?? '')));
  }
  useEffect(() => void load(), []);
  return (
    <>
      <div class="row spread">
        <h1>Console</h1>
        <label class="row">
          Concert
          <select aria-label="Concert" value={chosen} onChange={(event) => choose(event.currentTarget.value)}>
            {concerts.map(({ concertId, title }) => (
              <option key={concertId} value={concertId}>
                {title} ({concertId})
              </option>
            ))}
          </select>
        </label>
      </div>
      {fault && <Fault text={fault} />}
      {chosen === '' ? <Note>There is no concert yet: import one below.</Note> : <Overview concertId={chosen} />}
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

function Overview({ concertId }: { concertId: string }) {
  const { samples, fault } = useSamples(concertId);
  const last = samples.at(-1);
  return (
    <>
      {fault && <Fault text={fault} />}
      <Charts key={concertId} samples={samples} />
      {last && (
        <div class="two">
          <Controls concertId={concertId} room={last.room} />
          <Places concertId={concertId} />
        </div>
      )}
    </>
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
if (root) render(<App />, root);
