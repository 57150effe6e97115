/** Small pieces that several pages are made of. */
import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { t } from '../i18n.ts';

/** Told to screen readers when it appears. */
export function Note({
  kind = '',
  title,
  children,
}: {
  kind?: '' | 'good' | 'warn' | 'bad';
  title?: string;
  children?: ComponentChildren;
}) {
  return (
    <div class={`note ${kind}`} role={kind === 'bad' ? 'alert' : 'status'}>
      {title && <strong>{title}</strong>}
      {children}
    </div>
  );
}

export function Fault({ text, retry }: { text: string; retry?: () => void }) {
  return (
    <Note kind="bad" title={t('faultTitle')}>
      <p>{text}</p>
      {retry && (
        <p>
          <button type="button" onClick={retry}>
            {t('retry')}
          </button>
        </p>
      )}
    </Note>
  );
}

/** What is loaded once a page opens, and again at `reload`. */
export type Loaded<T> = { state: 'loading' } | { state: 'there'; value: T } | { state: 'fault'; text: string };

/** `load` answers the value, or a sentence of what went wrong. */
export function useLoaded<T>(load: () => Promise<{ value: T } | { fault: string }>, deps: readonly unknown[]) {
  const [loaded, set] = useState<Loaded<T>>({ state: 'loading' });
  const [round, setRound] = useState(0);
  useEffect(() => {
    let gone = false;
    void load().then((found) => {
      if (!gone) set('value' in found ? { state: 'there', value: found.value } : { state: 'fault', text: found.fault });
    });
    return () => {
      gone = true;
    };
  }, [...deps, round]);
  return { loaded, reload: () => setRound((n) => n + 1), set: (value: T) => set({ state: 'there', value }) };
}

/** Waiting, or what went wrong; else what it is for. `page`: it is all that there is, so that a fault needs a heading. */
export function Show<T>({
  loaded,
  reload,
  page = false,
  children,
}: {
  loaded: Loaded<T>;
  reload: () => void;
  page?: boolean;
  children: (value: T) => ComponentChildren;
}) {
  if (loaded.state === 'loading')
    return (
      <p class="soft" role="status">
        {t('loading')}
      </p>
    );
  if (loaded.state === 'fault' && page)
    return (
      <section class="card narrow" role="alert">
        <Title text={t('faultTitle')} />
        <p>{loaded.text}</p>
        <div class="row">
          <button type="button" class="main" onClick={reload}>
            {t('retry')}
          </button>
          <a class="button" href="#/">
            {t('concerts')}
          </a>
        </div>
      </section>
    );
  if (loaded.state === 'fault') return <Fault text={loaded.text} retry={reload} />;
  return <>{children(loaded.value)}</>;
}

/** A heading that says where one is: the page's title too, and where the focus goes after a step. */
export function Title({ text, children }: { text: string; children?: ComponentChildren }) {
  useEffect(() => {
    document.title = `${text} · onsale`;
  }, [text]);
  return (
    <h1>
      {text}
      {children}
    </h1>
  );
}

/** A component whose code is loaded when it is first shown. */
export function lazy<K extends string, P extends object>(
  load: () => Promise<Record<K, (props: P) => ComponentChildren>>,
  name: K,
): (props: P) => JSX.Element {
  let there: ((props: P) => ComponentChildren) | null = null;
  return function Lazy(props: P) {
    const [, again] = useState(0);
    useEffect(() => {
      if (!there)
        void load().then((module) => {
          there = module[name];
          again((n) => n + 1);
        });
    }, []);
    const Component = there as ((props: P) => JSX.Element) | null;
    return Component ? (
      <Component {...props} />
    ) : (
      <p class="soft" role="status">
        {t('loading')}
      </p>
    );
  };
}
