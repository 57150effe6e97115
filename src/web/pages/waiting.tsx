/** Waiting, being called, and every way in which a place can end. */
import { useEffect, useState } from 'preact/hooks';
import type { WaitingRoomState } from '../../client/waiting-room.ts';
import type { Concert, Room, Ticket } from '../../client/index.ts';
import { asUser, onsale, sentenceOf } from '../api.ts';
import { now, secondsUntil } from '../clock.ts';
import { clock, number, roughly, t, type Words } from '../i18n.ts';
import { Fault, Note } from '../ui/parts.tsx';

interface WaitingProps {
  concert: Concert;
  ticket: Ticket;
  state: WaitingRoomState | null;
  /** where this place was when it was first seen here */
  first: number;
}

export function Waiting({ concert, ticket, state, first }: WaitingProps) {
  const room = useRoom(state, ticket);
  const position = state?.position ?? ticket.position ?? 1;
  const waiting = Math.max(position, room?.waiting ?? ticket.waiting);
  const rate = room?.ratePerSecond ?? 0;
  const roomState = room?.state ?? 'OPEN';
  const wait = rate > 0 ? (position - 1) / rate : ticket.estimatedWaitSeconds;
  const way = Math.max(1, first);
  return (
    <section class="card place" aria-labelledby="position-title">
      <h2 id="position-title">{t('youAre')}</h2>
      <p class="position" data-testid="position">
        {number(position)}
      </p>
      {/* Not each step is read out: once in a while is enough. */}
      <Announced position={position} />
      <progress max={way} value={Math.max(0, way - position + 1)} aria-label={t('progress')} />
      <dl class="facts">
        <div>
          <dt>{t('ahead')}</dt>
          <dd>{number(position - 1)}</dd>
        </div>
        <div>
          <dt>{t('behind')}</dt>
          <dd>{number(waiting - position)}</dd>
        </div>
        <div>
          <dt>{t('expectedWait')}</dt>
          <dd>{wait === null || roomState !== 'OPEN' ? t('waitUnknown') : roughly(wait)}</dd>
        </div>
      </dl>
      {roomState === 'PAUSED' && (
        <Note kind="warn" title={t('roomPaused')}>
          {t('roomPausedHint')}
        </Note>
      )}
      {roomState === 'CLOSED' && (
        <Note kind="warn" title={t('roomClosed')}>
          {t('roomClosedHint')}
        </Note>
      )}
      <Connection state={state} ticket={ticket} />
      <p class="soft">{t('keepOpen')}</p>
      <div class="row">
        <Notify concert={concert} />
        <Leave ticket={ticket} />
      </div>
    </section>
  );
}

/** Where no socket tells the room's numbers, the call that a CDN can answer does, as often as the place is asked about. */
function useRoom(state: WaitingRoomState | null, { concertId, pollAfterSeconds }: Ticket): Room | null {
  const [asked, setAsked] = useState<Room | null>(null);
  const deaf = state !== null && state.connection !== 'live' && state.connection !== 'connecting';
  useEffect(() => {
    if (!deaf) return undefined;
    const ask = () => void onsale.room({ concertId }).then((answer) => answer.ok && setAsked(answer.body));
    ask();
    const timer = setInterval(ask, pollAfterSeconds * 1_000);
    return () => clearInterval(timer);
  }, [deaf, concertId, pollAfterSeconds]);
  return deaf ? asked : (state?.room ?? null);
}

const ANNOUNCE_MS = 20_000;

function Announced({ position }: { position: number }) {
  const [told, tell] = useState(position);
  useEffect(() => {
    const timer = setInterval(() => tell(position), ANNOUNCE_MS);
    return () => clearInterval(timer);
  }, [position]);
  return (
    <p class="hidden" aria-live="polite">
      {t('youAre')}: {number(told)}
    </p>
  );
}

export function Connection({ state, ticket }: Pick<WaitingProps, 'state' | 'ticket'>) {
  const connection = state?.connection ?? 'connecting';
  const text = {
    connecting: t('connecting'),
    live: t('live'),
    polling: t('polling', { n: ticket.pollAfterSeconds }),
    offline: t('offline'),
    over: '',
  }[connection];
  return (
    <p class={`link-state ${connection} small`} role="status" data-testid="connection">
      {text}
    </p>
  );
}

const canNotify = 'Notification' in globalThis;

function Notify({ concert }: { concert: Concert }) {
  const [answer, setAnswer] = useState(canNotify ? Notification.permission : 'denied');
  if (!canNotify) return null;
  if (answer !== 'default')
    return (
      <p class="soft small" role="status">
        {t(answer === 'granted' ? 'notifyOn' : 'notifyRefused')}
      </p>
    );
  return (
    <button type="button" onClick={() => void Notification.requestPermission().then(setAnswer)} title={concert.title}>
      {t('notify')}
    </button>
  );
}

function Leave({ ticket }: { ticket: Ticket }) {
  const [fault, setFault] = useState('');
  async function leave(): Promise<void> {
    if (!confirm(t('leaveSure'))) return;
    const answer = await asUser().leave({ queueId: ticket.queueId }, { queueToken: ticket.token });
    setFault(answer.ok ? '' : sentenceOf(answer));
  }
  return (
    <>
      <button type="button" class="plain" onClick={() => void leave()}>
        {t('leave')}
      </button>
      {fault && <Fault text={fault} />}
    </>
  );
}

interface TurnProps {
  concert: Concert;
  ticket: Ticket;
  /** a live socket answers the server's ping by itself, which claims the place: the time that runs is that to buy */
  claimed: boolean;
  enter: () => void;
}

/** Called: title, sound and notification say so, and a countdown how long the door stays open. */
export function Turn({ concert, ticket, claimed, enter }: TurnProps) {
  void now.value;
  const seconds = ticket.expiresAt ? secondsUntil(ticket.expiresAt) : 0;
  useEffect(() => {
    const title = document.title;
    let on = false;
    const blink = setInterval(() => {
      on = !on;
      document.title = on ? `● ${t('yourTurn')}` : title;
    }, 1_000);
    chime();
    const note = notify(concert.title, seconds);
    return () => {
      clearInterval(blink);
      document.title = title;
      note?.close();
    };
  }, []);
  return (
    <section class="card place" role="alert">
      <h2>{t('yourTurn')}</h2>
      <p class="soft">{t(claimed ? 'buyIn' : 'claimIn')}</p>
      <p class="countdown" data-testid="claim">
        {clock(seconds)}
      </p>
      <p>
        <button type="button" class="main" onClick={enter} autofocus>
          {t('comeIn')}
        </button>
      </p>
    </section>
  );
}

function notify(concert: string, seconds: number): Notification | null {
  if (!canNotify || Notification.permission !== 'granted' || document.hasFocus()) return null;
  try {
    return new Notification(t('notifyTitle'), { body: t('notifyBody', { concert, seconds }), tag: 'onsale-turn' });
  } catch {
    // Some phones know notifications from service workers only: sound and title remain.
    return null;
  }
}

/** Two notes, made here: no file to load. Silent where the browser allows no sound yet. */
function chime(): void {
  const Audio = globalThis.AudioContext;
  if (!Audio || !navigator.userActivation?.hasBeenActive) return;
  const audio = new Audio();
  for (const [i, pitch] of [660, 880].entries()) {
    const [tone, volume] = [audio.createOscillator(), audio.createGain()];
    const at = audio.currentTime + i * 0.25;
    tone.frequency.value = pitch;
    volume.gain.setValueAtTime(0.2, at);
    volume.gain.exponentialRampToValueAtTime(0.001, at + 0.6);
    tone.connect(volume).connect(audio.destination);
    tone.start(at);
    tone.stop(at + 0.6);
  }
  setTimeout(() => void audio.close(), 2_000);
}

type Reason = NonNullable<Ticket['reason']> | 'GONE';

/** What became of the place, what it means for seats and money, what to do. */
export function Over({ concert, reason, again }: { concert: Concert; reason: Reason; again: () => void }) {
  const key = `over${reason}` as keyof Words;
  const isPaid = reason === 'PAID';
  return (
    <section class="card narrow" data-testid="over">
      <h1>{t(key)}</h1>
      <p class="soft">{concert.title}</p>
      <p>{t(`${key}Hint` as keyof Words)}</p>
      <div class="row">
        {isPaid && (
          <a class="button main" href="#/tickets">
            {t('toTickets')}
          </a>
        )}
        <button type="button" class={isPaid ? '' : 'main'} onClick={again}>
          {t(reason === 'SUPERSEDED' ? 'toMyPlace' : 'again')}
        </button>
        <a class="button" href={`#/concerts/${concert.concertId}`}>
          {t('back')}
        </a>
      </div>
    </section>
  );
}
