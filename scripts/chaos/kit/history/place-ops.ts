/** What the calls of one fan say of their places in a room. */
import { type Call, changeWindow, succeeded, timeOf, windowOf } from './call.ts';
import type { PlaceOp, Range } from './place.ts';
import { type Once, onceEach, refusedWindow } from './repeats.ts';

/**
 * How far a read may be behind (contract, "How fresh": 500 ms; a server whose last reading is 1 s old answers 503).
 * Tickets of those who wait and the guard of reads come from a process' memory.
 */
export const BEHIND_MS = 1_000;

/** `untilOf`: deadline of a hold. */
export function placeOps(calls: readonly Call[], untilOf: (reservationId: string) => Range, wrong: string[]) {
  const joins = onceEach(calls, 'join', wrong);
  const numbers = new Map<string, number>();
  const joined = joins.filter(({ success }) => success).sort((a, b) => sequenceOf(a) - sequenceOf(b));
  for (const [place, { success }] of joined.entries()) numbers.set(success?.body.queueId ?? '', place);
  const placeOf = (queueId: string | undefined) => numbers.get(queueId ?? '') ?? Number.NaN;

  const ops: PlaceOp[] = [];
  for (const each of joins) ops.push(...join(each, placeOf));
  for (const kind of ['hold', 'pay'] as const) {
    for (const each of onceEach(calls, kind, wrong)) ops.push(...change(each, { placeOf, untilOf, kind }));
  }
  for (const call of calls) ops.push(...single(call, { placeOf, untilOf, wrong }));
  return ops;
}

const sequenceOf = ({ success }: Once): number => success?.body.sequence ?? 0;

interface Names {
  placeOf(queueId: string | undefined): number;
  untilOf(reservationId: string): Range;
}

/** A place that was asked for and never answered is in nobody's hands: the fan asks again with its key. */
function join(each: Once, placeOf: Names['placeOf']): PlaceOp[] {
  const ops: PlaceOp[] = [];
  if (each.success) {
    const place = placeOf(each.success.body.queueId);
    ops.push({ kind: 'join', place, lo: each.lo, hi: each.hi });
    ops.push({ kind: 'admit', place, lo: each.lo, hi: Number.POSITIVE_INFINITY, optional: true });
  }
  for (const call of each.refusals) {
    const { code, ticket } = call.body;
    if (code === 'ALREADY_QUEUED' && ticket) ops.push(ofTicket(call, { place: placeOf(ticket.queueId), ticket }));
  }
  return ops;
}

function ofTicket(call: Call, { place, ticket }: { place: number; ticket: Call['body'] }): PlaceOp {
  const { status = '', reason = null, expiresAt, serverTime, joinedAt } = ticket;
  const fromMemory = status === 'WAITING' && call.asked.kind === 'poll';
  // What is in memory may be from before the place was taken; that it waits since then, its token proves.
  const at = fromMemory ? Math.max(timeOf(serverTime), timeOf(joinedAt)) : timeOf(serverTime);
  const window = windowOf({ lo: call.lo - (fromMemory ? BEHIND_MS : 0), hi: call.hi }, at);
  return { kind: 'ticket', place, status: String(status), reason, expiresAt: timeOf(expiresAt), ...window };
}

function change(each: Once, { placeOf, untilOf, kind }: Names & { kind: 'hold' | 'pay' }): PlaceOp[] {
  const ops: PlaceOp[] = [];
  const { success } = each;
  const any = success ?? each.calls[0];
  if (any && 'queueId' in any.asked) {
    const reservation =
      (kind === 'pay' && 'reservationId' in any.asked ? any.asked.reservationId : success?.body.reservationId) ??
      `?${each.sent}`;
    const optional = success ? {} : { optional: true };
    const place = placeOf(any.asked.queueId);
    ops.push({ kind, place, reservation, until: untilOf(reservation), lo: each.lo, hi: each.hi, ...optional });
  }
  for (const call of each.refusals) ops.push(...refused(call, { placeOf, window: refusedWindow(each, call) }));
  for (const call of each.calls) {
    if (call.status === 0 && 'queueId' in call.asked) ops.push(perhapsClaimed(call, placeOf(call.asked.queueId)));
  }
  return ops;
}

/** A guarded call without an answer may have passed the guard, whatever became of it then. */
function perhapsClaimed(call: Call, place: number): PlaceOp {
  return { kind: 'guarded', place, lo: windowOf(call).lo, hi: Number.POSITIVE_INFINITY, optional: true };
}

/** Refusals that come after the guard claim the place as a success would. */
const PAST_THE_GUARD = new Set([
  'SEAT_TAKEN',
  'SEAT_LIMIT',
  'RESERVATION_EXPIRED',
  'RESERVATION_CANCELLED',
  'INSUFFICIENT_BALANCE',
]);

function refused(
  call: Call,
  { placeOf, window }: { placeOf: Names['placeOf']; window: { lo: number; hi: number } },
): PlaceOp[] {
  if (!('queueId' in call.asked)) return [];
  const { body } = call;
  const place = placeOf(call.asked.queueId);
  if (body.code === 'SESSION_OVER')
    return [{ kind: 'session-over', place, expiresAt: timeOf(body.expiresAt), ...window }];
  if (body.code === 'NOT_ACTIVE') return [{ kind: 'not-active', place, status: String(body.status), ...window }];
  return PAST_THE_GUARD.has(body.code ?? '') ? [{ kind: 'guarded', place, ...window }] : [];
}

function single(call: Call, { placeOf, untilOf, wrong }: Names & { wrong: string[] }): PlaceOp[] {
  const { asked, body, status } = call;
  if (asked.kind === 'poll') {
    if (status === 200) return [ofTicket(call, { place: placeOf(asked.queueId), ticket: body })];
    if (status !== 0) wrong.push(`a poll of ${asked.queueId} got ${status} ${body.code}`);
  }
  if (asked.kind === 'leave') {
    if (status !== 204 && status !== 0) wrong.push(`leaving ${asked.queueId} got ${status} ${body.code}`);
    return [{ kind: 'leave', place: placeOf(asked.queueId), ...changeWindow(call) }];
  }
  if (asked.kind === 'map') {
    const window = windowOf({ lo: call.lo - BEHIND_MS, hi: call.hi });
    if (status === 200) return [{ kind: 'guarded', place: placeOf(asked.queueId), ...window }];
    return status === 0 ? [perhapsClaimed(call, placeOf(asked.queueId))] : refused(call, { placeOf, window });
  }
  if (asked.kind === 'cancel' && (succeeded(call) || status === 0)) {
    const { reservationId: reservation } = asked;
    return [{ kind: 'cancel', place: -1, reservation, until: untilOf(reservation), ...changeWindow(call) }];
  }
  return [];
}
