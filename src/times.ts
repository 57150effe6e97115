/** Times as operators send them, and days as their concert's public sees them. */

const RFC3339 = /^(\d{4})-(\d{2})-(\d{2})T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:Z|[+-]\d{2}:\d{2})$/i;

/** Beyond, a day of another time zone may have a year of more than four digits, or none that is written so. */
const [FIRST_YEAR, LAST_YEAR] = [1000, 9998];

/** What a time must be that `parseTime` takes. */
export const A_TIME = `must be an RFC 3339 time with an offset, of a year from ${FIRST_YEAR} to ${LAST_YEAR}`;

/**
 * Milliseconds of an RFC 3339 time with its offset; null for anything else, the 30th of February and years before 1000
 * and after 9998 too.
 */
export function parseTime(text: string): number | null {
  const [, year, month, day] = RFC3339.exec(text) ?? [];
  const ms = Date.parse(text.toUpperCase());
  if (day === undefined || Number.isNaN(ms)) return null;
  if (Number(year) < FIRST_YEAR || Number(year) > LAST_YEAR) return null;
  // Date.parse takes the 31st of any month for a day of the next.
  const last = new Date(Date.UTC(Number(year), Number(month), 0)).getUTCDate();
  return Number(day) <= last ? ms : null;
}

/** Makes `YYYY-MM-DD` of a moment in a time zone. Throws RangeError for a zone that does not exist. */
export function dayIn(timeZone: string): (ms: number) => string {
  const format = new Intl.DateTimeFormat('en-US', { timeZone, year: 'numeric', month: '2-digit', day: '2-digit' });
  return (ms) => {
    const parts = Object.fromEntries(format.formatToParts(ms).map(({ type, value }) => [type, value]));
    return `${String(parts.year).padStart(4, '0')}-${parts.month}-${parts.day}`;
  };
}
