/** English and Korean, chosen by the browser; money, numbers and times through Intl. */
import { en } from './words.en.ts';
import { ko } from './words.ko.ts';

export type Words = { [K in keyof typeof en]: string };

const chosen = navigator.languages.map((tag) => tag.slice(0, 2)).find((tag) => tag === 'ko' || tag === 'en') ?? 'en';
export const locale = chosen === 'ko' ? 'ko-KR' : 'en';
const words: Words = chosen === 'ko' ? ko : en;
document.documentElement.lang = chosen;

/**
 * `{name}` in a sentence is replaced; a number is written as people write it here. Where a sentence has two forms,
 * `one|several`, `{n}` chooses.
 */
export function t(key: keyof Words, values: Record<string, string | number> = {}): string {
  const [one = '', several = one] = words[key].split('|');
  return (values.n === 1 ? one : several).replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    const value = values[name];
    return typeof value === 'number' ? number(value) : (value ?? '');
  });
}

const numbers = new Intl.NumberFormat(locale);
export function number(value: number): string {
  return numbers.format(value);
}

/** `amount` in the smallest unit of the currency. */
export function money(amount: number, currency: string): string {
  const format = new Intl.NumberFormat(locale, { style: 'currency', currency });
  const digits = format.resolvedOptions().maximumFractionDigits ?? 0;
  return format.format(amount / 10 ** digits).replace('-', '−');
}

/** A line may end before the time, but not within it. */
function asTime(format: Intl.DateTimeFormat, iso: string): string {
  return format.format(new Date(iso)).replace(/ (?=[AP]M\b)/, '\u00a0');
}

export function dateTime(iso: string, timeZone: string): string {
  return asTime(new Intl.DateTimeFormat(locale, { dateStyle: 'full', timeStyle: 'short', timeZone }), iso);
}

/** With the zone that it is meant in: who reads it may be in another. */
export function zonedTime(iso: string, timeZone: string): string {
  const day = { weekday: 'short', month: 'short', day: 'numeric' } as const;
  const time = { hour: 'numeric', minute: '2-digit', timeZoneName: 'short' } as const;
  return asTime(new Intl.DateTimeFormat(locale, { ...day, ...time, timeZone }), iso);
}

export function shortDate(iso: string, timeZone?: string): string {
  const zone = timeZone === undefined ? {} : { timeZone };
  return asTime(new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'short', ...zone }), iso);
}

/** `4:59`, with hours where there are any. */
export function clock(seconds: number): string {
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const two = (n: number) => String(n).padStart(2, '0');
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/** A wait in words: seconds as a range of minutes, since nobody knows it to the second. */
export function roughly(seconds: number): string {
  if (seconds < 60) return t('waitUnderAMinute');
  const [from, to] = [Math.max(1, Math.floor((seconds * 0.85) / 60)), Math.ceil((seconds * 1.25) / 60)];
  return from === to ? t('waitMinutes', { n: from }) : t('waitRange', { from, to });
}
