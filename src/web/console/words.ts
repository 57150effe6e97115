/** Numbers, money, times and settings, as the console writes them. */
import type { RoomSettings, SetRoom } from '../../client/index.ts';

const whole = new Intl.NumberFormat();

/** `no holds`, `1 hold`, `2 holds`. */
export function count(n: number, one: string, many = `${one}s`): string {
  if (n === 0) return `no ${many}`;
  return `${whole.format(n)} ${n === 1 ? one : many}`;
}

/** `amount` in the smallest unit of the currency; compact where there is little room. */
export function money(amount: number, currency: string, notation: 'standard' | 'compact' = 'standard'): string {
  const style = { style: 'currency', currency } as const;
  const full = new Intl.NumberFormat(undefined, style);
  const major = amount / 10 ** (full.resolvedOptions().maximumFractionDigits ?? 0);
  if (notation === 'standard') return full.format(major);
  return new Intl.NumberFormat(undefined, { ...style, notation, maximumSignificantDigits: 3 }).format(major);
}

/** By the clock of this browser, or of the concert's time zone. */
export function when(iso: string, timeZone?: string): string {
  const zone = timeZone === undefined ? {} : { timeZone };
  return new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short', ...zone }).format(new Date(iso));
}

const toTheSecond = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });

/** By the clock of this browser, to the second. */
export function moment(iso: string): string {
  return toTheSecond.format(new Date(iso));
}

export const NUMBERS = [
  ['capacity', 'Inside at once', 0, 1_000_000],
  ['admitPerSecond', 'Admitted a second', 0, 100_000],
  ['sessionSeconds', 'Session, seconds', 1, 86_400],
  ['claimSeconds', 'To come in, seconds', 1, 86_400],
] as const;

export const REENTRY = { reject: 'is refused', supersede: 'gives up the place inside' } as const;

type Setting = keyof SetRoom;

const LABELS: readonly (readonly [Setting, string])[] = [
  ['state', 'State'],
  ...NUMBERS.map(([name, label]) => [name, label] as const),
  ['opensAt', 'Opens by itself at'],
  ['reentry', 'Queue again while inside'],
];

/** `Admitted a second: 1 → 500`, for each setting that would not stay as it is. */
export function changedSettings(settings: RoomSettings, before: SetRoom | null): string[] {
  return LABELS.flatMap(([name, label]) => {
    const to = settings[name];
    if (to === undefined) return [];
    const shown = settingInWords(name, to);
    if (!before) return [`${label}: ${shown}`];
    const was = settingInWords(name, before[name]);
    return was === shown ? [] : [`${label}: ${was} → ${shown}`];
  });
}

function settingInWords(name: Setting, value: string | number | null): string {
  if (name === 'opensAt') return value === null ? 'never' : when(String(value));
  if (name === 'reentry') return REENTRY[value as SetRoom['reentry']];
  return typeof value === 'number' ? whole.format(value) : String(value);
}
