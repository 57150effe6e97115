/** The fan's pages: what is shown for which path. */
import { render } from 'preact';
import { useEffect } from 'preact/hooks';
import { t } from './i18n.ts';
import { ConcertPage } from './pages/concert.tsx';
import { Listing } from './pages/listing.tsx';
import { RoomPage } from './pages/room.tsx';
import { SignIn } from './pages/sign-in.tsx';
import { findPlaces, places } from './places.ts';
import { go, match, path } from './router.ts';
import { session, signOut } from './session.ts';
import { lazy, Title } from './ui/parts.tsx';

const Tickets = lazy(() => import('./pages/tickets.tsx'), 'Tickets');

function Page() {
  const at = path.value;
  const query = new URLSearchParams(at.split('?')[1]);
  if (match('/', at)) return <Listing />;
  if (match('/sign-in', at)) return <SignIn next={query.get('next') ?? '/'} />;
  if (match('/tickets', at)) return <Tickets />;
  const concert = match('/concerts/:concertId', at);
  if (concert) return <ConcertPage key={concert.concertId} concertId={concert.concertId ?? ''} />;
  const room = match('/concerts/:concertId/room', at);
  if (room) return <RoomPage key={room.concertId} concertId={room.concertId ?? ''} />;
  return (
    <section class="card narrow">
      <Title text={t('notFound')} />
      <p>
        <a class="button main" href="#/">
          {t('toConcerts')}
        </a>
      </p>
    </section>
  );
}

function Bar() {
  const at = path.value.split('?')[0];
  const here = (to: string) => (at === to ? ({ 'aria-current': 'page' } as const) : {});
  return (
    <header class="bar">
      <a
        class="skip"
        href="#main"
        onClick={(event) => {
          event.preventDefault();
          document.querySelector('main')?.focus();
        }}
      >
        {t('skip')}
      </a>
      <a class="name" href="#/">
        onsale
      </a>
      <nav>
        <a href="#/" {...here('/')}>
          {t('concerts')}
        </a>
        <a href="#/tickets" {...here('/tickets')}>
          {t('tickets')}
        </a>
        {session.value && <span class="who soft small">{session.value.email}</span>}
        {session.value ? (
          <button
            type="button"
            title={session.value.email}
            onClick={() => {
              signOut();
              go('/');
            }}
          >
            {t('signOut')}
          </button>
        ) : (
          <a
            href={`#/sign-in?next=${encodeURIComponent(path.value.startsWith('/sign-in') ? '/' : path.value)}`}
            {...here('/sign-in')}
          >
            {t('signIn')}
          </a>
        )}
      </nav>
      <Strip />
    </header>
  );
}

/** The way back to a place in line, from wherever one is. */
function Strip() {
  const at = path.value;
  const isRoom = match('/concerts/:concertId/room', at) !== null;
  useEffect(() => {
    // A waiting room asks for itself, a hundred thousand times in the same minute.
    if (!isRoom) void findPlaces();
  }, [at, session.value]);
  const [place] = places.value.filter(({ concertId }) => !at.startsWith(`/concerts/${concertId}`));
  if (!place || isRoom) return null;
  return (
    <p class="strip">
      {t(place.status === 'ACTIVE' ? 'yourTurn' : 'haveAPlace')}
      <a href={`#/concerts/${place.concertId}/room`}>{t('toMyPlace')}</a>
    </p>
  );
}

function App() {
  return (
    <>
      <Bar />
      <main id="main" tabIndex={-1}>
        <Page />
      </main>
    </>
  );
}

const root = document.getElementById('app');
if (root) render(<App />, root);
