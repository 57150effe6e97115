/** The receipt: it stays, though the place it was bought with is over. */
import { useEffect, useState } from 'preact/hooks';
import type { Concert, Reservation } from '../../client/index.ts';
import { asUser } from '../api.ts';
import { money, t } from '../i18n.ts';
import { session } from '../session.ts';
import { Note } from '../ui/parts.tsx';
import { Basket, Where } from './basket.tsx';

interface Props {
  concert: Concert;
  reservation: Reservation;
  /** to a hold that is to be paid, too */
  other: (() => void) | null;
}

export function Paid({ concert, reservation: { seats, currency, scheduleId }, other }: Props) {
  const [balance, setBalance] = useState<number | null>(null);
  const userId = session.value?.userId ?? '';
  useEffect(() => {
    void asUser()
      .balance({ userId })
      .then((answer) => answer.ok && setBalance(answer.body.balance));
  }, []);
  return (
    <section class="card narrow" data-testid="paid">
      <Note kind="good" title={t('paidTitle')}>
        {t('paidHint')}
      </Note>
      <Where concert={concert} scheduleId={scheduleId} />
      <Basket seats={seats} currency={currency} total={t('paidAmount')} />
      <p class="row spread">
        <span>{t('balanceLeft')}</span>
        <strong class="num" data-testid="balance-left">
          {balance === null ? '…' : money(balance, currency)}
        </strong>
      </p>
      <div class="row">
        <a class="button main" href="#/tickets">
          {t('toTickets')}
        </a>
        {other && (
          <button type="button" onClick={other}>
            {t('payOther')}
          </button>
        )}
      </div>
    </section>
  );
}
