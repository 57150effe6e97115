/** Map, list and basket of one date. */
import { useState } from 'preact/hooks';
import { now, secondsUntil } from '../clock.ts';
import { clock, money, t } from '../i18n.ts';
import type { SeatOnMap } from '../seat-map/hall.ts';
import { SeatList } from '../seat-map/seat-list.tsx';
import { SeatMapView } from '../seat-map/seat-map.tsx';
import { seatNames } from '../seat-names.ts';
import { Fault, Note } from '../ui/parts.tsx';
import { Basket, sumOf, Where } from './basket.tsx';
import { type ChooserProps, type Loss, useChoice, useHall } from './choice.ts';
import { Slow } from './slow.tsx';

export function Chooser(props: ChooserProps) {
  const { concert, seats } = props;
  const { currency } = concert;
  const hall = useHall(seats);
  const choice = useChoice(props, hall);
  const { still, price, setPrice, loss, toggle } = choice;
  const shared = { hall, seats, chosen: still, price, toggle };
  const isSoldOut = !seats.some(({ status }) => status === 'AVAILABLE');
  return (
    <>
      {isSoldOut && (
        <Note kind="warn" title={t('soldOutInside')}>
          {t('soldOutInsideHint')}
        </Note>
      )}
      <Prices seats={seats} chosen={price} choose={setPrice} currency={currency} />
      <div class="sale">
        <div class="stack">
          <SeatMapView {...shared} currency={currency} lost={loss?.seats.map(({ seatId }) => seatId) ?? []} />
          <Legend />
          <SeatList {...shared} currency={currency} />
        </div>
        <Chosen {...props} choice={choice} chosen={still.flatMap((id) => seats[hall.indexOf.get(id) ?? -1] ?? [])} />
      </div>
    </>
  );
}

interface ChosenProps extends ChooserProps {
  choice: ReturnType<typeof useChoice>;
  chosen: readonly SeatOnMap[];
}

/** Beside the map; on a phone a bar below it, whose list is unfolded by a press. */
function Chosen({ concert, ticket, scheduleId, choice, chosen }: ChosenProps) {
  const [open, setOpen] = useState(false);
  const { loss, busy, fault, isSlow, overLimit, toggle, take, hold } = choice;
  const { currency, seatLimit } = concert;
  return (
    <aside class={open ? 'card basket open' : 'card basket'} aria-label={t('yourSeats')}>
      {loss && <Lost loss={loss} take={take} />}
      {overLimit && <Note kind="warn">{t('perPerson', { n: seatLimit })}</Note>}
      <button type="button" class="fold plain" aria-expanded={open} onClick={() => setOpen(!open)}>
        <strong class="num">{money(sumOf(chosen), currency)}</strong>
        <span class="num small">
          {t('seatCount', { n: chosen.length })}
          <Left ticket={ticket} />
        </span>
      </button>
      <div class="folded stack">
        <h2>{t('yourSeats')}</h2>
        <Where concert={concert} scheduleId={scheduleId} />
        <Basket seats={chosen} currency={currency} remove={toggle} />
        <p class="soft small">{t('atMost', { n: seatLimit })}</p>
      </div>
      {isSlow && <Slow />}
      {fault && <Fault text={fault} />}
      <button type="button" class="main" disabled={busy || chosen.length === 0} onClick={() => void hold()}>
        {busy ? t('holding') : t('hold')}
      </button>
    </aside>
  );
}

function Left({ ticket: { expiresAt } }: Pick<ChooserProps, 'ticket'>) {
  void now.value;
  if (!expiresAt) return null;
  return <> · {t('timeLeft', { time: clock(secondsUntil(expiresAt)) })}</>;
}

function Lost({ loss, take }: { loss: Loss; take: (seatIds: readonly string[]) => void }) {
  const { offer } = loss;
  return (
    <Note kind="bad" title={t('lostTitle')}>
      <p>{t('lostHint', { seats: seatNames(loss.seats) })}</p>
      {offer ? (
        <p class="row">
          {t('lostOffer', { seats: seatNames(offer) })}
          <button type="button" onClick={() => take(offer.map(({ seatId }) => seatId))}>
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
