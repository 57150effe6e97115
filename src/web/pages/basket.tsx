import type { Concert, Reservation } from '../../client/index.ts';
import { dateTime, money, t } from '../i18n.ts';
import { groupSeats } from '../seat-names.ts';

type Seat = Reservation['seats'][number];

interface Props {
  seats: readonly Seat[];
  currency: string;
  /** what the sum is */
  total?: string;
  /** while they are only chosen: then each has a line of its own */
  remove?: (seatId: string) => void;
}

export const sumOf = (seats: readonly Seat[]) => seats.reduce((sum, { price }) => sum + price, 0);

/** Seats with their prices, and what they cost together. */
export function Basket({ seats, currency, total = t('total'), remove }: Props) {
  if (seats.length === 0) return <p class="soft">{t('noSeats')}</p>;
  const lines = remove ? seats.flatMap((seat) => groupSeats([seat])) : groupSeats(seats);
  return (
    <>
      <ul class="lines">
        {lines.map(({ name, seats: those }) => (
          <li key={name}>
            <span>{name}</span>
            <span class="num">
              {money(sumOf(those), currency)}
              {remove && <Remove name={name} act={() => remove(those[0]?.seatId ?? '')} />}
            </span>
          </li>
        ))}
      </ul>
      <p class="total">
        <span>{total}</span>
        <span class="num">{money(sumOf(seats), currency)}</span>
      </p>
    </>
  );
}

function Remove({ name, act }: { name: string; act: () => void }) {
  return (
    <button type="button" class="plain" aria-label={t('removeSeat', { seat: name })} onClick={act}>
      ×
    </button>
  );
}

/** Of which evening the seats are, and where. */
export function Where({ concert, scheduleId }: { concert: Concert; scheduleId: string }) {
  const schedule = concert.schedules.find((one) => one.scheduleId === scheduleId);
  return (
    <p class="soft" data-testid="where">
      {schedule ? dateTime(schedule.startsAt, concert.timeZone) : scheduleId}
      <br />
      {concert.venue}
    </p>
  );
}
