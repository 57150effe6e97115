/** Users, places, holds and money in bulk, by the product's own scripts: what a benchmark needs before its clock starts. */
import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import { createTokens, type QueueClaims } from '../../src/auth/tokens.ts';
import { LIMITS } from '../../src/limits.ts';
import { confirm } from '../../src/payments/confirm.script.ts';
import { concertKeys, walletKeys } from '../../src/redis/keys.ts';
import { loadSource } from '../../src/redis/script.ts';
import { hold } from '../../src/reservations/hold.script.ts';
import { newReservationId, paymentIdOf } from '../../src/reservations/ids.ts';
import { concertInput, operatorCall } from '../../src/testing/fan.ts';
import { JWT_SECRET } from '../../src/testing/system.ts';
import { admitScript } from '../../src/waiting-room/admit.script.ts';
import { joinAll, joinersOf, joinScript } from '../../src/waiting-room/join.script.ts';
import { claimsOfRow } from '../../src/waiting-room/ticket-row.ts';
import { authorize } from '../../src/wallet/authorize.script.ts';
import { charge } from '../../src/wallet/charge.script.ts';
import { entryPrefix } from '../../src/wallet/entry.ts';
import { open } from '../../src/wallet/open.script.ts';
import { post } from '../../src/wallet/post.script.ts';
import type { Step } from './raw.ts';
import { requestOf } from './wrk.ts';

const PIPELINE = 1_000;
const PRICE = 1_000;

export const tokens = createTokens({ jwtSecrets: [JWT_SECRET] });

const hex = () => randomUUID().replaceAll('-', '');

export interface Member {
  userId: string;
  claims: QueueClaims;
  queueToken: string;
}

interface Called {
  definition: { file: string; keys: readonly string[]; args: readonly string[] };
}

/** The parameters of one call, in the order of the script's header. */
export function stepOf(
  { definition: { file, keys, args } }: Called,
  call: {
    keys: object;
    args?: Record<string, string | number>;
    moreKeys?: readonly string[];
    moreArgs?: readonly (string | number)[];
  },
): Step {
  const named = call.keys as Record<string, string>;
  const all = [...keys.map((name) => named[name] ?? ''), ...(call.moreKeys ?? [])];
  return [file, all.length, ...all, ...args.map((name) => call.args?.[name] ?? ''), ...(call.moreArgs ?? [])];
}

/** Runs steps in pipelines, in their order; throws where a last reply's word is another than expected. */
export async function drive(client: Redis, steps: readonly Step[], expected: string): Promise<void> {
  const shas = new Map<string, string>();
  for (const file of new Set(steps.map(([name]) => name)))
    shas.set(file, (await client.script('LOAD', loadSource(file))) as string);
  for (let i = 0; i < steps.length; i += PIPELINE) {
    const pipeline = client.pipeline();
    for (const [file, keyCount, ...params] of steps.slice(i, i + PIPELINE))
      pipeline.evalsha(shas.get(file) ?? '', keyCount, ...params);
    for (const [error, reply] of (await pipeline.exec()) ?? []) {
      if (error) throw error;
      const [word] = reply as string[];
      if (word !== expected) throw new Error(`${steps[i]?.[0]} answered ${word}, not ${expected}`);
    }
  }
}

/** New users with wallets. */
export async function newUsers(client: Redis, count: number): Promise<string[]> {
  const userIds = Array.from({ length: count }, () => `u_${hex()}`);
  const steps = userIds.map((userId) => stepOf(open, { keys: walletKeys(userId), args: { user_id: userId } }));
  await drive(client, steps, 'OPENED');
  return userIds;
}

/** A room that lets nobody time out while the benchmark prepares, and a hall of so many seats. */
export async function openConcert(
  url: string,
  { seats = 1, schedules = 1, room = {} }: { seats?: number; schedules?: number; room?: Record<string, unknown> } = {},
): Promise<string> {
  const concertId = `bench-${hex()}`;
  const body = {
    ...concertInput({ seats, price: PRICE, seatLimit: 8, holdSeconds: 3_600 }),
    room: { state: 'OPEN', capacity: 1_000_000, admitPerSecond: 100_000, claimSeconds: 3_600, ...room },
  };
  const [schedule] = body.schedules;
  const all = Array.from({ length: schedules }, (_, i) => ({ ...schedule, scheduleId: `d${i + 1}` }));
  const answer = await operatorCall(url, `/concerts/${concertId}`, {
    method: 'PUT',
    body: { ...body, schedules: all },
  });
  if (answer.status !== 201) throw new Error(`import: ${answer.status} ${JSON.stringify(answer.body)}`);
  return concertId;
}

/** Places for all of them, in their order. */
export async function takePlaces(client: Redis, concertId: string, userIds: readonly string[]): Promise<Member[]> {
  const keys = concertKeys(concertId);
  const members: Member[] = [];
  for (let i = 0; i < userIds.length; i += LIMITS.JOINS_A_CALL) {
    const some = userIds.slice(i, i + LIMITS.JOINS_A_CALL);
    const joiners = some.map((userId) => ({ userId, queueId: `q_${hex()}`, idempotency: null }));
    const answers = await joinAll(client, keys, joiners);
    if (!answers) throw new Error('no such room');
    for (const one of answers) {
      if (one.word !== 'JOINED') throw new Error(`join answered ${one.word}`);
      const claims = claimsOfRow(one.row, concertId);
      members.push({ userId: claims.userId, claims, queueToken: tokens.signQueue(claims) });
    }
  }
  return members;
}

/** Lets everybody in. */
export async function admitAll(client: Redis, concertId: string): Promise<void> {
  for (let calls = 0; calls < 100_000; calls++) {
    const keys = concertKeys(concertId);
    const answer = await admitScript.run(client, { keys, args: { worker: 'bench', lease_ms: 1 } });
    if (answer.outcome !== 'ADMITTED' || answer.waiting === 0) return;
  }
  throw new Error('some were not admitted');
}

/** Over HTTP, one for each. */
export function joinRequests(bearers: readonly string[], concertId: string): string[] {
  return bearers.map((authorization) =>
    requestOf('POST', '/api/v1/queue', { headers: { authorization }, body: { concertId } }),
  );
}

export const bearerOf = (userId: string) => `Bearer ${tokens.signAccess(userId)}`;

/** One joins alone, as a script call of its own. */
export function joinStep(concertId: string, userId: string): Step {
  const keys = concertKeys(concertId);
  return stepOf(joinScript, { keys, ...joinersOf(keys, [{ userId, queueId: `q_${hex()}`, idempotency: null }]) });
}

export interface Held {
  member: Member;
  reservationId: string;
}

/** A hold of one seat, the one with that index, in a hall of `openConcert` that has not been imported again. */
export function holdStep({ member, reservationId }: Held, { scheduleId, index }: Seat): Step {
  const { userId, concertId, queueId, epoch } = member.claims;
  const keys = concertKeys(concertId);
  return stepOf(hold, {
    keys: {
      ...keys,
      seats: keys.seats(scheduleId),
      status: keys.status(scheduleId),
      seat_log: keys.seatLog(scheduleId),
      reservation: keys.reservation(reservationId),
      live: keys.live(userId),
      owned_by: keys.ownedBy(userId),
      idempotency: keys.noIdempotency,
    },
    args: {
      queue_id: queueId,
      epoch,
      user_id: userId,
      reservation_id: reservationId,
      schedule_id: scheduleId,
      revision: 1,
      missing: 0,
      seat_ids: seatIdOf(index),
      indexes: index,
      prices: PRICE,
      amount: PRICE,
      currency: 'KRW',
      hold_ms: 3_600_000,
      seat_limit: 8,
      fingerprint: '',
    },
  });
}

export interface Seat {
  scheduleId: string;
  /** from 0 */
  index: number;
}

export function seatIdOf(index: number): string {
  return `A-1-${index + 1}`;
}

export function newHeld(member: Member): Held {
  return { member, reservationId: newReservationId(member.claims.concertId) };
}

export function chargeStep(userId: string, amount: number): Step {
  const keys = walletKeys(userId);
  return stepOf(charge, {
    keys: { ...keys, idempotency: keys.noIdempotency },
    args: {
      user_id: userId,
      amount,
      wallet_max: LIMITS.WALLET_MAX,
      charge_id: `chg_${hex()}`,
      entry_prefix: entryPrefix(userId),
      fingerprint: '',
    },
  });
}

/** authorize, confirm and post of one hold, as a payment sends them when nothing comes between. */
export function paySteps({ member, reservationId }: Held, { balance }: { balance: number }): Step[] {
  const { userId, concertId, queueId, epoch } = member.claims;
  const [wallet, concert] = [walletKeys(userId), concertKeys(concertId)];
  const transferKeys = { ...wallet, transfer: wallet.transfer(reservationId) };
  const [name, transferId] = [`${reservationId} ${userId}`, `t_${hex()}`];
  return [
    stepOf(authorize, {
      keys: transferKeys,
      args: {
        member: name,
        concert_id: concertId,
        payment_id: paymentIdOf(reservationId),
        transfer_id: transferId,
        amount: PRICE,
        transfer_ms: LIMITS.TRANSFER_DEADLINE_MS,
      },
    }),
    stepOf(confirm, {
      keys: {
        ...concert,
        live: concert.live(userId),
        owned_by: concert.ownedBy(userId),
        paid_by: concert.paidBy(userId),
        reservation: concert.reservation(reservationId),
        idempotency: concert.noIdempotency,
      },
      args: {
        user_id: userId,
        queue_id: queueId,
        epoch,
        concert_id: concertId,
        reservation_id: reservationId,
        payment_id: paymentIdOf(reservationId),
        transfer_id: transferId,
        balance: balance - PRICE,
        fingerprint: '',
      },
    }),
    stepOf(post, {
      keys: transferKeys,
      args: {
        member: name,
        user_id: userId,
        transfer_id: transferId,
        entry_prefix: entryPrefix(userId),
        kept_ms: LIMITS.TRANSFER_KEPT_MS,
      },
    }),
  ];
}
