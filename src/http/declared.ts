/** The refusals that a route may give: those of its row, and those that follow from what the row says of the call. */
import type { ErrorCode } from '../errors.ts';
import { paramNames } from './router.ts';
import type { Auth, Route } from './route.ts';

const BY_AUTH: Record<Auth, readonly ErrorCode[]> = {
  none: [],
  access: ['UNAUTHENTICATED', 'FORBIDDEN', 'USER_NOT_FOUND'],
  'access or desk': ['UNAUTHENTICATED', 'FORBIDDEN', 'USER_NOT_FOUND'],
  queue: ['UNAUTHENTICATED', 'FORBIDDEN', 'QUEUE_NOT_FOUND'],
  user: ['UNAUTHENTICATED', 'FORBIDDEN', 'USER_NOT_FOUND'],
  'user or desk': ['UNAUTHENTICATED', 'FORBIDDEN', 'USER_NOT_FOUND'],
  active: ['UNAUTHENTICATED', 'FORBIDDEN', 'NOT_ACTIVE', 'QUEUE_NOT_FOUND', 'CONCERT_NOT_FOUND'],
  place: ['UNAUTHENTICATED', 'FORBIDDEN', 'NOT_ACTIVE', 'QUEUE_NOT_FOUND'],
  operator: ['UNAUTHENTICATED', 'FORBIDDEN'],
};

/** Every code that this route may answer with, each once. */
export function declaredErrors(route: Route): ErrorCode[] {
  const names = paramNames(route.path);
  const codes = new Set<ErrorCode>(BY_AUTH[route.auth]);
  const add = (when: unknown, ...more: ErrorCode[]) => when && more.forEach((code) => codes.add(code));
  const changes = route.method !== 'GET';
  add(names.length > 0 || route.query || changes || route.path.startsWith('/api/'), 'VALIDATION');
  add(changes, 'BODY_TOO_LARGE', 'UNSUPPORTED_MEDIA_TYPE');
  add(route.auth === 'queue' && names.includes('queueId'), 'QUEUE_ID_MISMATCH');
  add(route.spends, 'NOT_ACTIVE', 'QUEUE_NOT_FOUND', 'CONCERT_NOT_FOUND');
  add(route.idempotent, 'IDEMPOTENCY_MISMATCH');
  add(route.limit || (changes && route.auth !== 'none' && route.auth !== 'operator'), 'RATE_LIMITED');
  add(true, ...route.errors, 'INTERNAL', 'UNAVAILABLE');
  return [...codes];
}
