/** Inside: a date, seats, the hold, and the way to pay it. Loaded while people wait. */
import { useEffect, useState } from 'preact/hooks';
import { repeat } from '../../client/repeat.ts';
import type { WaitingRoom, WaitingRoomState } from '../../client/waiting-room.ts';
import type { Concert, Schedule, Ticket } from '../../client/index.ts';
import { onsale, sentenceOf } from '../api.ts';
import { now, secondsUntil } from '../clock.ts';
import { clock, dateTime, money, t } from '../i18n.ts';
import { hallOf, type Hall, nearestBlock, type SeatOnMap } from '../seat-map/hall.ts';
import { SeatList } from '../seat-map/seat-list.tsx';
import { SeatMapView } from '../seat-map/seat-map.tsx';
import { Fault, Note } from '../ui/parts.tsx';
import { Basket } from './basket.tsx';
import { Checkout } from './checkout.tsx';

interface SaleProps {
  concert: Concert;
  room: WaitingRoom;
  state: WaitingRoomState;
  ticket: Ticket;
}

export function Sale({ concert, room, state, ticket }: SaleProps) {
  const [scheduleId, choose] = useState<string | null>(
    concert.schedules.length === 1 ? (concert.schedules[0]?.scheduleId ?? null) : null,
  );
  const [paying, pay] = useState<string | null>(null);
  const held = Object.values(state.reservations).find(({ status }) => status === 'HELD');
  const shown = paying === null ? held : (state.reservations[paying] ?? held);
  useEffect(() => {
    if (held && paying === null) pay(held.reservationId);
  }, [held?.reservationId]);
  if (shown)
    return (
      <Checkout
        reservation={shown}
        ticket={ticket}
        changed={(reservation) => room.keep(reservation)}
        more={() => {
          pay(null);
        }}
      />
    );
  return (
    <>
      <SessionLeft ticket={ticket} />
      <DatePicker concert={concert} chosen={scheduleId} choose={choose} />
      {scheduleId && (
        <Seats key={scheduleId} scheduleId={scheduleId} concert={concert} room={room} state={state} ticket={ticket} />
      )}
    </>
  );
}

function SessionLeft({ ticket: { expiresAt } }: { ticket: Ticket }) {
  void now.value;
  if (!expiresAt) return null;
  const seconds = secondsUntil(expiresAt);
  return <p class={seconds < 60 ? 'badge bad num' : 'badge num'}>{t('sessionLeft', { time: clock(seconds) })}</p>;
}

function DatePicker({
  concert,
  chosen,
  choose,
}: {
  concert: Concert;
  chosen: string | null;
  choose: (id: string) => void;
}) {
  if (concert.schedules.length < 2) return null;
  const label = ({ startsAt, availableSeats }: Schedule) =>
    `${dateTime(startsAt, concert.timeZone)}${availableSeats === 0 ? ` · ${t('soldOut')}` : ''}`;
  return (
    <fieldset class="card">
      <legend class="hidden">{t('chooseDate')}</legend>
      <h2>{t('chooseDate')}</h2>
      <div class="chips">
        {concert.schedules.map((schedule) => (
          <button
            key={schedule.scheduleId}
            type="button"
            aria-pressed={schedule.scheduleId === chosen}
            onClick={() => choose(schedule.scheduleId)}
          >
            {label(schedule)}
          </button>
        ))}
      </div>
    </fieldset>
  );
}

function Seats({ concert, room, state, ticket, scheduleId }: SaleProps & { scheduleId: string }) {
  useEffect(() => {
    room.watch(scheduleId);
    return () => room.unwatch(scheduleId);
  }, [scheduleId]);
  const seats = state.seats[scheduleId];
  if (seats?.problem)
    return <Fault text={sentenceOf({ ok: false, code: seats.problem.code, retryAfterSeconds: null })} />;
  if (!seats?.map) return <p role="status">{t('loading')}</p>;
  return <Chooser concert={concert} room={room} ticket={ticket} scheduleId={scheduleId} seats={seats.map.seats} />;
}

interface ChooserProps {
  concert: Concert;
  room: WaitingRoom;
  ticket: Ticket;
  scheduleId: string;
  seats: readonly SeatOnMap[];
}

/** Where the seats are changes only with an import: then there are others, or other prices. */
function useHall(seats: readonly SeatOnMap[]): Hall {
  const [kept, keep] = useState(() => ({ seats, hall: hallOf(seats) }));
  const same = kept.seats.length === seats.length && kept.seats.every((seat, i) => seat.seatId === seats[i]?.seatId);
  const current = same ? kept : { seats, hall: hallOf(seats) };
  useEffect(() => {
    if (!same) keep(current);
  });
  return current.hall;
}

interface Loss {
  seatIds: readonly string[];
  offer: readonly string[] | null;
}

/** What is chosen, within the limit and while it is free, and what became of the attempt to hold it. */
function useChoice({ concert, room, ticket, scheduleId, seats }: ChooserProps, hall: Hall) {
  const [chosen, setChosen] = useState<readonly string[]>([]);
  const [price, setPrice] = useState<number | null>(null);
  const [loss, setLoss] = useState<Loss | null>(null);
  const [busy, setBusy] = useState(false);
  const [fault, setFault] = useState('');
  const isFree = (seatId: string) => seats[hall.indexOf.get(seatId) ?? -1]?.status === 'AVAILABLE';
  // What somebody else took meanwhile falls out of the basket by itself.
  const still = chosen.filter(isFree);
  const full = still.length >= concert.seatLimit;

  function toggle(seatId: string): void {
    setLoss(null);
    if (still.includes(seatId)) setChosen(still.filter((one) => one !== seatId));
    else if (!full && isFree(seatId)) setChosen([...still, seatId]);
  }

  function take(seatIds: readonly string[]): void {
    setLoss(null);
    setChosen(seatIds);
  }

  async function hold(): Promise<void> {
    setBusy(true);
    setFault('');
    const answer = await repeat((idempotencyKey) =>
      onsale.hold({ scheduleId, seatIds: [...still] }, { queueToken: ticket.token, idempotencyKey }),
    );
    setBusy(false);
    if (answer.ok) return room.keep(answer.body);
    if (answer.code !== 'SEAT_TAKEN') return setFault(sentenceOf(answer, concert.currency));
    setLoss(lossOf(answer.problem.seatIds, { hall, seats, count: still.length, price }));
    setChosen([]);
  }

  return { still, price, setPrice, loss, busy, fault, full, toggle, take, hold };
}

function lossOf(
  lost: readonly string[],
  { hall, seats, count, price }: { hall: Hall; seats: readonly SeatOnMap[]; count: number; price: number | null },
): Loss {
  const indexes = lost.flatMap((seatId) => hall.indexOf.get(seatId) ?? []);
  const isFree = (index: number) => {
    const seat = seats[index];
    return seat?.status === 'AVAILABLE' && !lost.includes(seat.seatId) && (price === null || seat.price === price);
  };
  const block = nearestBlock(hall, indexes, { count, isFree });
  return { seatIds: lost, offer: block?.map((index) => seats[index]?.seatId ?? '') ?? null };
}

function Chooser(props: ChooserProps) {
  const { concert, seats } = props;
  const { currency, seatLimit } = concert;
  const hall = useHall(seats);
  const { still, price, setPrice, loss, busy, fault, full, toggle, take, hold } = useChoice(props, hall);
  const chosen = still.flatMap((seatId) => seats[hall.indexOf.get(seatId) ?? -1] ?? []);
  const shared = { hall, seats, chosen: still, price, toggle };
  return (
    <>
      <Prices seats={seats} chosen={price} choose={setPrice} currency={currency} />
      <div class="sale">
        <div class="stack">
          <SeatMapView {...shared} lost={loss?.seatIds ?? []} />
          <Legend />
          <SeatList {...shared} full={full} currency={currency} />
        </div>
        <aside class="card basket" aria-label={t('yourSeats')}>
          <h2>{t('yourSeats')}</h2>
          {loss && <Lost loss={loss} take={take} />}
          <Basket seats={chosen} currency={currency} />
          <p class="soft small">{t('atMost', { n: seatLimit })}</p>
          {fault && <Fault text={fault} />}
          <button type="button" class="main" disabled={busy || chosen.length === 0} onClick={() => void hold()}>
            {busy ? t('holding') : t('hold')}
          </button>
        </aside>
      </div>
    </>
  );
}

function Lost({ loss, take }: { loss: Loss; take: (seatIds: readonly string[]) => void }) {
  const { offer } = loss;
  return (
    <Note kind="bad" title={t('lostTitle')}>
      <p>{t('lostHint', { seats: loss.seatIds.join(', ') })}</p>
      {offer ? (
        <p class="row">
          {t('lostOffer', { seats: offer.join(', ') })}
          <button type="button" onClick={() => take(offer)}>
            {t('takeOffer')}
          </button>
        </p>
      ) : (
        <p>{t('noOffer')}</p>
      )}
    </Note>
  );
}

function Prices({
  seats,
  chosen,
  choose,
  currency,
}: {
  seats: readonly SeatOnMap[];
  chosen: number | null;
  choose: (price: number | null) => void;
  currency: string;
}) {
  const prices = [...new Set(seats.map(({ price }) => price))].sort((a, b) => a - b);
  if (prices.length < 2) return null;
  return (
    <fieldset class="chips" aria-label={t('price')}>
      {[null, ...prices].map((price) => (
        <button key={price} type="button" aria-pressed={price === chosen} onClick={() => choose(price)}>
          {price === null ? t('allPrices') : money(price, currency)}
        </button>
      ))}
    </fieldset>
  );
}

function Legend() {
  return (
    <ul class="legend">
      {(['free', 'chosen', 'held', 'sold', 'lost'] as const).map((look) => (
        <li key={look} class={look}>
          {t(look)}
        </li>
      ))}
    </ul>
  );
}
