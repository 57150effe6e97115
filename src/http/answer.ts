/**
 * Answers: the few shapes that a call may answer with, and the one place that turns a refusal into problem+json
 * (RFC 9457). The WebSocket sends the same problem objects in its `error` messages.
 */
import { randomUUID } from 'node:crypto';
import { ERRORS, type ErrorCode, type Refusal, Unavailable } from '../errors.ts';
import { isRedisAway } from '../redis/client.ts';
import type { AnyReply } from './route.ts';

export function ok<B>(
  body: B,
  headers: Record<string, string> = {},
): { status: 200; body: B; headers: Record<string, string> } {
  return { status: 200, body, headers };
}

export function created<B>(body: B, location: string): { status: 201; body: B; headers: Record<string, string> } {
  return { status: 201, body, headers: { Location: location } };
}

export function noContent(): { status: 204 } {
  return { status: 204 };
}

/** A body that is serialised already: a seat map is made once and sent many times. */
export function serialised(
  text: string | Uint8Array,
  headers: Record<string, string> = {},
): { status: 200; text: string | Uint8Array; headers: Record<string, string> } {
  return { status: 200, text, headers };
}

export interface Problem {
  type: string;
  title: string;
  detail: string;
  code: ErrorCode;
  /** of HTTP; but with NOT_ACTIVE it is that of the caller's place (the contract's members come before RFC 9457's) */
  status: unknown;
  [member: string]: unknown;
}

/** Members that become headers, and are not shown in the body. */
interface Told {
  retryAfterSeconds?: number;
  allow?: readonly string[];
}

export function problemOf({ refused, members }: Refusal): Problem {
  const { status, title, detail } = ERRORS[refused];
  const { retryAfterSeconds: _seconds, allow: _allow, ...shown } = members;
  return { type: `/docs#${refused}`, title, status, detail, code: refused, ...shown };
}

export function replyOf(refusal: Refusal): AnyReply {
  // Of the table, not of the body: NOT_ACTIVE has a member `status` of its own, the place's (contract, Errors).
  const { status } = ERRORS[refusal.refused];
  const { retryAfterSeconds = 1, allow = [] }: Told = refusal.members;
  const headers: Record<string, string> = { 'Content-Type': 'application/problem+json' };
  if (status === 401) headers['WWW-Authenticate'] = 'Bearer';
  if (status === 405) headers.Allow = allow.join(', ');
  if (status === 429 || status === 503) headers['Retry-After'] = String(Math.max(1, Math.ceil(retryAfterSeconds)));
  return { status, headers, body: problemOf(refusal) };
}

/**
 * What an exception means to the caller: a broken dependency is 503, anything else a bug. The bug's `instance` is
 * all that its caller learns; the error itself goes to the log under that id.
 */
export function refusalOf(error: unknown): Refusal {
  if (error instanceof Unavailable)
    return { refused: 'UNAVAILABLE', members: { retryAfterSeconds: error.retryAfterSeconds } };
  if (isRedisAway(error)) return { refused: 'UNAVAILABLE', members: {} };
  return { refused: 'INTERNAL', members: { instance: `urn:uuid:${randomUUID()}` } };
}
