/** Status line and headers as uWebSockets.js takes them with the fewest calls. */
import { STATUS_CODES } from 'node:http';

const STATUS_LINES: ReadonlyMap<number, string> = new Map(
  Object.entries(STATUS_CODES).map(([status, reason]) => [Number(status), `${status} ${reason}`]),
);

export function statusLine(status: number): string {
  return STATUS_LINES.get(status) ?? `${status} `;
}

/**
 * All headers as one name and one value with line ends in it: a call for each of eight costs as much as a bare answer
 * does as a whole. uWebSockets.js looks for no line ends in values, so nothing is let through that would be stopped else.
 */
export function headerLines(headers: Readonly<Record<string, string>>): [name: string, value: string] {
  let first = '';
  let lines = '';
  for (const name in headers) {
    if (first === '') [first, lines] = [name, headers[name] ?? ''];
    else lines += `\r\n${name}: ${headers[name] ?? ''}`;
  }
  return [first, lines];
}
