/** All seats as a list by section and row, for keyboard and screen reader; a section's seats are made when it is opened. */
import { useState } from 'preact/hooks';
import { money, t } from '../i18n.ts';
import type { Hall, SeatOnMap, Section } from './hall.ts';

interface Props {
  hall: Hall;
  seats: readonly SeatOnMap[];
  chosen: readonly string[];
  price: number | null;
  currency: string;
  toggle: (seatId: string) => void;
}

export function SeatList(props: Props) {
  return (
    <section class="card seat-list" aria-label={t('list')}>
      <h2>{t('list')}</h2>
      {props.hall.sections.filter(offers(props.price)).map((section) => (
        <SectionList key={section.section} section={section} {...props} />
      ))}
    </section>
  );
}

/** A section may have it: else it is as if there were no such section. */
function offers(price: number | null) {
  return ({ prices: [from, to] }: Section) => price === null || (from <= price && price <= to);
}

function SectionList({ section, ...props }: Props & { section: Section }) {
  const [open, setOpen] = useState(false);
  const free = section.rows.reduce((sum, { seats }) => sum + seats.filter((i) => isFree(props, i)).length, 0);
  return (
    <details onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        {t('section', { name: section.section })} · {t('seatsLeft', { n: free })} · {priceOf(section, props)}
      </summary>
      {open && section.rows.map(({ row, seats }) => <RowList key={row} row={row} indexes={seats} {...props} />)}
    </details>
  );
}

function priceOf({ prices: [from, to] }: Section, { price, currency }: Props): string {
  if (price !== null || from === to) return money(price ?? from, currency);
  return `${money(from, currency)}–${money(to, currency)}`;
}

function isFree({ seats, price }: Props, index: number): boolean {
  const seat = seats[index];
  return seat?.status === 'AVAILABLE' && (price === null || seat.price === price);
}

function RowList({ row, indexes, ...props }: Props & { row: string; indexes: readonly number[] }) {
  const shown = indexes.filter((i) => isFree(props, i));
  if (shown.length === 0) return null;
  return (
    <div role="group" aria-label={t('rowName', { name: row })}>
      <span class="soft small">{t('rowName', { name: row })}</span>
      <div class="seats">
        {shown.map((i) => {
          const seat = props.seats[i] as SeatOnMap;
          const { seatId, section, number, price } = seat;
          const pressed = props.chosen.includes(seatId);
          const name = t('seatName', { section, row, number: String(number), price: money(price, props.currency) });
          return (
            <button
              key={seatId}
              type="button"
              aria-label={name}
              aria-pressed={pressed}
              onClick={() => props.toggle(seatId)}
            >
              {number}
            </button>
          );
        })}
      </div>
    </div>
  );
}
