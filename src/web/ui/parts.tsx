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
export type Loaded<T> =
  | { state: 'loading' }
  | { state: 'there'; value: T }
  | { state: 'fault'; text: string; gone: string | undefined };

/** What went wrong. `gone`: what is not there, as a heading; to try again would not help. */
export interface NotLoaded {
  fault: string;
  gone?: string;
}

/** `load` answers the value, or a sentence of what went wrong. */
export function useLoaded<T>(load: () => Promise<{ value: T } | NotLoaded>, deps: readonly unknown[]) {
  const [loaded, set] = useState<Loaded<T>>({ state: 'loading' });
  const [round, setRound] = useState({ quiet: false });
  useEffect(() => {
    let left = false;
    void load().then((found) => {
      if (left) return;
      if ('value' in found) return set({ state: 'there', value: found.value });
      const { fault: text, gone } = found;
      set((before) => {
        // Another object, so that whoever waits for the answer knows.
        if (round.quiet && before.state === 'there' && !gone) return { ...before };
        return { state: 'fault', text, gone };
      });
    });
    return () => {
      left = true;
    };
  }, [...deps, round]);
  return {
    loaded,
    reload: () => setRound({ quiet: false }),
    /** by itself, every so often: what was there stays where the network does not answer */
    refresh: () => setRound({ quiet: true }),
    set: (value: T) => set({ state: 'there', value }),
  };
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
        <Title text={loaded.gone ?? t('faultTitle')} />
        <p>{loaded.text}</p>
        <div class="row">
          {!loaded.gone && (
            <button type="button" class="main" onClick={reload}>
              {t('retry')}
            </button>
          )}
          <a class={loaded.gone ? 'button main' : 'button'} href="#/">
            {t('toConcerts')}
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
