/** What each message of a client does. */
import type { QueueClaims, Tokens } from '../auth/tokens.ts';
import { CLOSE, type Refusal, refuse } from '../errors.ts';
import { type Connection, isOver, type Place, type SocketLimits } from './connection.ts';
import { type FanOut, livePlaces } from './fan-out.ts';
import { type ClientMessage, invalid } from './frames.ts';
import type { SeatWatches } from './seat-watches.ts';

export interface ConversationDeps {
  limits: SocketLimits;
  tokens: Pick<Tokens, 'verifyQueue'>;
  fanOut: FanOut;
  watches: SeatWatches;
  /** null where the place is ACTIVE in that concert's room */
  requireActive(claims: QueueClaims, concertId: string): Promise<Refusal | null>;
  leave(claims: QueueClaims): Promise<Refusal | null>;
  /** a stranger said who it is */
  authenticated(connection: Connection): void;
}

/** Follows one message. Refusals go back to the client; throws as the use cases do. */
export async function follow(
  deps: ConversationDeps,
  connection: Connection,
  message: ClientMessage,
): Promise<Refusal | null> {
  if (message.type === 'auth') return authenticate(deps, connection, message.token);
  if (connection.state === 'STRANGER') return showOut(connection);
  switch (message.type) {
    case 'watch':
      return watch(deps, connection, message);
    case 'unwatch':
      deps.watches.unwatch(connection, message);
      return null;
    case 'leave':
      return leave(deps, connection, message.queueId);
  }
}

function showOut(connection: Connection): null {
  connection.end(CLOSE.NOT_AUTHENTICATED, 'not authenticated');
  return null;
}

async function authenticate(
  { limits, tokens, fanOut, authenticated }: ConversationDeps,
  connection: Connection,
  token: string,
): Promise<Refusal | null> {
  const claims = await tokens.verifyQueue(token);
  const { state } = connection;
  if (state === 'CLOSED') return null;
  if (!claims) return state === 'STRANGER' ? showOut(connection) : refuse('UNAUTHENTICATED');
  if (state === 'STRANGER') {
    connection.authenticate(claims.userId);
    authenticated(connection);
  }
  if (claims.userId !== connection.userId) return refuse('FORBIDDEN');
  if (!connection.places.has(claims.queueId) && livePlaces(connection) >= limits.WS_PLACES_MAX)
    return invalid('/token', `is of one place too many: a socket carries at most ${limits.WS_PLACES_MAX}`);
  const place = await fanOut.enter(connection, claims, token);
  // The place is on the socket, and its ticket comes as soon as Redis answers.
  const untold = place.sent === null && !place.gone && connection.state === 'LIVE';
  return untold ? refuse('UNAVAILABLE', { retryAfterSeconds: 1 }) : null;
}

async function watch(
  { requireActive, watches }: ConversationDeps,
  connection: Connection,
  message: ClientMessage & { type: 'watch' },
): Promise<Refusal | null> {
  const { scheduleId, version } = message;
  const places = [...connection.places.values()].filter((place) => !isOver(place));
  const concertIds = new Set(places.map(({ claims }) => claims.concertId));
  if (message.concertId === undefined && concertIds.size > 1)
    return invalid('/concertId', 'is required: this socket carries places of several concerts');
  const [only] = concertIds;
  const concertId = message.concertId ?? only;
  const place = concertId === undefined ? undefined : bestPlace(places, concertId);
  if (concertId === undefined || !place) return refuse('NOT_ACTIVE', { status: null, position: null });
  const refusal = await requireActive(place.claims, concertId);
  return refusal ?? watches.watch(place, { concertId, scheduleId, version });
}

function bestPlace(places: readonly Place[], concertId: string): Place | undefined {
  const there = places.filter(({ claims }) => claims.concertId === concertId);
  return there.find(({ sent }) => sent?.status === 'ACTIVE') ?? there[0];
}

async function leave(
  { leave: giveBack, fanOut }: ConversationDeps,
  connection: Connection,
  queueId: string,
): Promise<Refusal | null> {
  const place = connection.places.get(queueId);
  if (!place) return refuse('QUEUE_ID_MISMATCH');
  const refusal = await giveBack(place.claims);
  if (!refusal) await fanOut.readAnew(place);
  return refusal;
}
