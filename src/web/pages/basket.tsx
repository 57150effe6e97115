import type { Reservation } from '../../client/index.ts';
import { money, t } from '../i18n.ts';

/** Seats with their prices, and what they cost together. */
export function Basket({ seats, currency }: { seats: readonly Reservation['seats'][number][]; currency: string }) {
  if (seats.length === 0) return <p class="soft">{t('noSeats')}</p>;
  return (
    <>
      <ul class="lines">
        {seats.map(({ seatId, price }) => (
          <li key={seatId}>
            <span>{seatId}</span>
            <span class="num">{money(price, currency)}</span>
          </li>
        ))}
      </ul>
      <p class="total">
        <span>{t('total')}</span>
        <span class="num">
          {money(
            seats.reduce((sum, { price }) => sum + price, 0),
            currency,
          )}
        </span>
      </p>
    </>
  );
}
