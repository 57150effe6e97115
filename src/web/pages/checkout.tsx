/** A hold and its payment: balance, top-up in place, one payment however often the button is pressed. */
import { useEffect, useState } from 'preact/hooks';
import type { Concert, Payment, Reservation, Ticket } from '../../client/index.ts';
import { asUser, onsale, sentenceOf } from '../api.ts';
import { now, secondsUntil } from '../clock.ts';
import { clock, money, t } from '../i18n.ts';
import { session } from '../session.ts';
import { Fault, Note } from '../ui/parts.tsx';
import { Basket, Where } from './basket.tsx';
import { Paid } from './paid.tsx';
import { Slow, useRepeat } from './slow.tsx';

interface Props {
  concert: Concert;
  reservation: Reservation;
  ticket: Ticket;
  changed: (reservation: Reservation) => void;
  /** on to other seats */
  more: () => void;
  /** to a hold that is to be paid, too */
  other: (() => void) | null;
}

export function Checkout({ concert, reservation, ticket, changed, more, other }: Props) {
  void now.value;
  const seconds = secondsUntil(reservation.expiresAt);
  const { status, currency, seats, scheduleId } = reservation;
  if (status === 'CONFIRMED') return <Paid concert={concert} reservation={reservation} other={other} />;
  if (status === 'EXPIRED' || seconds === 0)
    return (
      <section class="card narrow" data-testid="expired">
        <h2>{t('expiredTitle')}</h2>
        <Where concert={concert} scheduleId={scheduleId} />
        <p>{t('expiredHint')}</p>
        <p>
          <button
            type="button"
            class="main"
            onClick={() => {
              changed({ ...reservation, status: 'EXPIRED' });
              more();
            }}
          >
            {t('toSeats')}
          </button>
        </p>
      </section>
    );
  return (
    <section class="card narrow">
      <h2>{t('checkout')}</h2>
      <Where concert={concert} scheduleId={scheduleId} />
      <HoldLeft seconds={seconds} title={concert.title} />
      <Basket seats={seats} currency={currency} />
      <Money reservation={reservation} ticket={ticket} changed={changed} />
    </section>
  );
}

const LAST_SECONDS = 60;

/** The time is in the tab's title, too: who looks something up elsewhere sees it there. */
function HoldLeft({ seconds, title }: { seconds: number; title: string }) {
  const isLast = seconds < LAST_SECONDS;
  const left = clock(seconds);
  useEffect(() => {
    document.title = `${t('timeLeft', { time: left })} · ${title}`;
  }, [left]);
  useEffect(
    () => () => {
      document.title = `${title} · onsale`;
    },
    [],
  );
  return (
    <div>
      <p class="soft">{t('heldFor')}</p>
      <p class={isLast ? 'countdown last' : 'countdown'} role="timer" data-testid="hold-left">
        {left}
      </p>
      <p class="hidden" aria-live="polite">
        {isLast ? t('lastMinute') : ''}
      </p>
    </div>
  );
}

type MoneyProps = Pick<Props, 'reservation' | 'ticket' | 'changed'>;

/** The balance, and what can be done with money and hold: one thing at a time, whoever clicks twice has asked once. */
function useMoney({ reservation, ticket, changed }: MoneyProps) {
  const { currency, reservationId } = reservation;
  const { repeat, isSlow } = useRepeat();
  const [balance, setBalance] = useState<number | null>(null);
  const [busy, setBusy] = useState<'' | 'pay' | 'charge' | 'cancel'>('');
  const [fault, setFault] = useState('');
  const userId = session.value?.userId ?? '';
  const queueToken = ticket.token;

  useEffect(() => {
    void repeat(() => asUser().balance({ userId }, { queueToken })).then((answer) =>
      answer.ok ? setBalance(answer.body.balance) : setFault(sentenceOf(answer)),
    );
  }, []);

  /** `call` answers what went wrong, or ''. */
  const act = async (what: 'pay' | 'charge' | 'cancel', call: () => Promise<string>): Promise<void> => {
    if (busy) return;
    setBusy(what);
    setFault('');
    setFault(await call());
    setBusy('');
  };

  const pay = () =>
    act('pay', async () => {
      const answer = await repeat((idempotencyKey) => onsale.pay({ reservationId }, { queueToken, idempotencyKey }));
      if (answer.ok) return told(changed, reservation, answer.body);
      if (answer.code === 'RESERVATION_EXPIRED') return told(changed, { ...reservation, status: 'EXPIRED' }, null);
      if (answer.code !== 'INSUFFICIENT_BALANCE') return sentenceOf(answer, currency);
      setBalance(answer.problem.balance);
      return '';
    });
  const charge = (amount: number) =>
    act('charge', async () => {
      const answer = await repeat((idempotencyKey) =>
        onsale.charge({ userId, amount }, { queueToken, idempotencyKey }),
      );
      if (!answer.ok) return sentenceOf(answer, currency);
      setBalance(answer.body.balance);
      return '';
    });
  const cancel = () =>
    act('cancel', async () => {
      const answer = await repeat(() => onsale.cancel({ reservationId }, { queueToken }));
      if (!answer.ok) return sentenceOf(answer);
      changed(answer.body);
      return '';
    });
  return { balance, busy, fault, isSlow, pay, charge, cancel };
}

function Money(props: MoneyProps) {
  const { amount, currency } = props.reservation;
  const { balance, busy, fault, isSlow, pay, charge, cancel } = useMoney(props);
  const missing = Math.max(0, amount - (balance ?? amount));
  const cannotPay = busy !== '' || balance === null || missing > 0;
  return (
    <>
      <p class="row spread">
        <span>{t('balance')}</span>
        <strong class="num" data-testid="balance">
          {balance === null ? '…' : money(balance, currency)}
        </strong>
      </p>
      {missing > 0 && <TopUp missing={missing} currency={currency} busy={busy} charge={charge} />}
      {isSlow && <Slow />}
      {fault && <Fault text={fault} />}
      <button type="button" class="main" disabled={cannotPay} onClick={() => void pay()}>
        {busy === 'pay' ? t('paying') : t('pay', { amount: money(amount, currency) })}
      </button>
      <button
        type="button"
        class="plain"
        disabled={busy !== ''}
        onClick={() => {
          if (confirm(t('giveBackSure'))) void cancel();
        }}
      >
        {t('cancelHold')}
      </button>
    </>
  );
}

function told(changed: (reservation: Reservation) => void, reservation: Reservation, payment: Payment | null): string {
  changed(payment ? { ...reservation, status: 'CONFIRMED', paymentId: payment.paymentId } : reservation);
  return '';
}

interface TopUpProps {
  missing: number;
  currency: string;
  busy: '' | 'pay' | 'charge' | 'cancel';
  charge: (amount: number) => Promise<void>;
}

function TopUp({ missing, currency, busy, charge }: TopUpProps) {
  return (
    <form
      class="stack"
      onSubmit={(event) => {
        event.preventDefault();
        void charge(Number(new FormData(event.currentTarget).get('amount')));
      }}
    >
      <Note kind="warn">{t('missing', { amount: money(missing, currency) })}</Note>
      <label>
        {t('chargeAmount')}
        <input
          key={missing}
          name="amount"
          type="number"
          inputMode="numeric"
          min={1}
          step={1}
          required
          defaultValue={missing}
        />
      </label>
      <button type="submit" disabled={busy !== ''}>
        {busy === 'charge' ? t('charging') : t('charge')}
      </button>
    </form>
  );
}
