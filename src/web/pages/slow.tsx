/** A call without an outcome for some time says so while it goes on. */
import { useState } from 'preact/hooks';
import { repeat } from '../../client/repeat.ts';
import { t } from '../i18n.ts';
import { Note } from '../ui/parts.tsx';

/** `repeat`, and whether what it calls takes its time. */
export function useRepeat() {
  const [isSlow, setSlow] = useState(false);
  const keep: typeof repeat = async (call, options) => {
    const answer = await repeat(call, { ...options, onSlow: () => setSlow(true) });
    setSlow(false);
    return answer;
  };
  return { repeat: keep, isSlow };
}

export function Slow() {
  return <Note kind="warn">{t('slow')}</Note>;
}
