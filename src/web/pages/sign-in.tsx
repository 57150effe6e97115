/** Sign-in and sign-up in one form. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { onsale, sentenceOf } from '../api.ts';
import { t } from '../i18n.ts';
import { match } from '../router.ts';
import { session, signIn } from '../session.ts';
import { Fault, Title } from '../ui/parts.tsx';

interface Fields {
  email: HTMLInputElement;
  password: HTMLInputElement;
}

export function SignIn({ next }: { next: string }) {
  const to = next.startsWith('/sign-in') ? '/' : next;
  // In place of this page, so that "back" does not lead to it again.
  useEffect(() => {
    if (session.value) location.replace(`#${to}`);
  }, [session.value]);
  const secretRef = useRef<HTMLInputElement>(null);
  const [isNew, setNew] = useState(false);
  const [busy, setBusy] = useState(false);
  const [fault, setFault] = useState('');

  async function submit(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    const { email: address, password: secret } = event.currentTarget as HTMLFormElement & Fields;
    const [email, password] = [address.value.trim(), secret.value];
    setBusy(true);
    const problem = (isNew ? await signUp(email, password) : null) ?? (await logIn(email, password));
    setBusy(false);
    setFault(problem ?? '');
    if (problem !== null) secretRef.current?.select();
  }

  function turn(): void {
    setNew(!isNew);
    setFault('');
  }

  return (
    <section class="card narrow">
      <Title text={isNew ? t('signUp') : t('signIn')} />
      <Reason next={to} />
      <form onSubmit={(event) => void submit(event)}>
        <div class="stack">
          <label>
            {t('email')}
            <input name="email" type="email" autocomplete="username" required maxLength={254} />
          </label>
          <label>
            {t('password')}
            <input
              ref={secretRef}
              name="password"
              type="password"
              autocomplete={isNew ? 'new-password' : 'current-password'}
              required
              minLength={isNew ? 8 : 1}
              maxLength={128}
            />
            {isNew && <span class="soft small">{t('passwordHint')}</span>}
          </label>
          {fault && <Fault text={fault} />}
          <button type="submit" class="main" disabled={busy}>
            {busy ? t('loading') : isNew ? t('signUp') : t('signIn')}
          </button>
        </div>
      </form>
      <button type="button" class="plain" onClick={turn}>
        {isNew ? t('haveAccount') : t('noAccount')}
      </button>
    </section>
  );
}

/** What one signs in for. */
function Reason({ next }: { next: string }) {
  const [title, setTitle] = useState('');
  const room = match('/concerts/:concertId/room', next);
  const concertId = (room ?? match('/concerts/:concertId', next))?.concertId;
  useEffect(() => {
    if (concertId) void onsale.concert({ concertId }).then((answer) => answer.ok && setTitle(answer.body.title));
  }, [concertId]);
  if (match('/tickets', next)) return <p class="soft">{t('signInForTickets')}</p>;
  if (!title) return null;
  return <p class="soft">{t(room ? 'signInForPlace' : 'signInToBeReady', { title })}</p>;
}

/** null: done; else what went wrong. */
async function signUp(email: string, password: string): Promise<string | null> {
  const answer = await onsale.signUp({ email, password });
  return answer.ok ? null : sentenceOf(answer);
}

async function logIn(email: string, password: string): Promise<string | null> {
  const answer = await onsale.logIn({ email, password });
  if (!answer.ok) return sentenceOf(answer);
  const { accessToken, userId, expiresInSeconds } = answer.body;
  signIn({ accessToken, userId, email, endsAt: Date.now() + expiresInSeconds * 1000 });
  return null;
}
