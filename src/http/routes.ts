/** The whole API. Each row checks its requests, and is what /openapi.json says of the call. */
import { Type } from 'typebox';
import * as shapes from '../concerts/shapes.ts';
import { LIMITS } from '../limits.ts';
import { AuditReport, Stats } from '../operations/shapes.ts';
import { Payment, PaymentInput } from '../payments/shapes.ts';
import { Reservation, ReservationInput, Reservations, ReservationStatus } from '../reservations/shapes.ts';
import { LoggedIn, LoginInput, SignedUp, SignUpInput } from '../users/shapes.ts';
import { Room, RoomSettings, SetRoom, Ticket } from '../waiting-room/shapes.ts';
import { Balance, Charge, ChargeInput, History } from '../wallet/shapes.ts';
import * as concerts from './calls/concerts.ts';
import * as documents from './calls/documents.ts';
import * as operators from './calls/operators.ts';
import * as pages from './calls/pages.ts';
import * as payments from './calls/payments.ts';
import * as reservations from './calls/reservations.ts';
import * as users from './calls/users.ts';
import * as waitingRoom from './calls/waiting-room.ts';
import * as wallet from './calls/wallet.ts';
import * as probes from './probes.ts';
import { type Route, route } from './route.ts';
import { AuditRunning, Document, Inspected, JoinInput, Liveness, Places, Readiness } from './shapes.ts';

const { Concert, ConcertInput, Concerts, ImportedConcert, SchedulesWithSeats, SeatMap, SeatMapsOfDate, Schedules } =
  shapes;
const closed = { additionalProperties: false };
const page = {
  limit: Type.Integer({ minimum: 1, maximum: LIMITS.LIST_LIMIT_MAX, default: LIMITS.LIST_LIMIT_DEFAULT }),
  cursor: Type.Optional(Type.String({ minLength: 1, maxLength: 400, description: '`nextCursor` of the page before' })),
};
const day = Type.String({ format: 'date', description: 'a day in the concert’s time zone' });
const status = Type.Optional(shapes.SeatStatus);
const soldOut = Type.Boolean({ default: false, description: 'true: those without seats left too' });
const dryRun = Type.Boolean({ default: false, description: 'true: tell what would change, change nothing' });

const Page = Type.Object(page, closed);
const SchedulesQuery = Type.Object({ from: Type.Optional(day), to: Type.Optional(day), soldOut }, closed);
const SeatsQuery = Type.Object({ status }, closed);
const DayQuery = Type.Object({ date: day, status }, closed);
const ReservationsQuery = Type.Object({ ...page, status: Type.Optional(ReservationStatus) }, closed);
const ImportQuery = Type.Object({ dryRun }, closed);

const A_SECOND = 'public, max-age=1';
const REVALIDATED = 'private, no-cache';
const TEXT = 'text/plain; version=0.0.4; charset=utf-8';
const HTML = 'text/html; charset=utf-8';
/** Their names change with their bytes. */
const FOR_GOOD = 'public, max-age=31536000, immutable';
const PAGE = { 200: HTML, 304: null };
const bodyMaxBytes = LIMITS.IMPORT_BODY_MAX_BYTES;

// biome-ignore format: one call a line, to be read as a table
export const routes: readonly Route[] = [
  // accounts
  route('POST /api/v1/users', { auth: 'none', handle: users.signUp, body: SignUpInput, answers: { 201: SignedUp }, errors: ['EMAIL_TAKEN', 'NOT_FOUND'], builtIn: true, limit: 'address', summary: 'Sign up' }),
  route('POST /api/v1/auth/login', { auth: 'none', handle: users.logIn, body: LoginInput, answers: { 200: LoggedIn }, errors: ['INVALID_CREDENTIALS', 'NOT_FOUND'], builtIn: true, limit: 'address', summary: 'Log in' }),

  // concerts, for everybody
  route('GET /api/v1/concerts', { auth: 'none', handle: concerts.concerts, query: Page, answers: { 200: Concerts }, summary: 'All concerts' }),
  route('GET /api/v1/concerts/{concertId}', { auth: 'none', handle: concerts.concert, answers: { 200: Concert }, errors: ['CONCERT_NOT_FOUND'], summary: 'A concert with its dates' }),
  route('GET /api/v1/concerts/{concertId}/room', { auth: 'none', handle: waitingRoom.room, answers: { 200: Room }, errors: ['CONCERT_NOT_FOUND'], cache: A_SECOND, summary: 'The numbers of a waiting room' }),

  // waiting room
  route('POST /api/v1/queue', { auth: 'access', handle: waitingRoom.join, body: JoinInput, answers: { 201: Ticket }, errors: ['CONCERT_NOT_FOUND', 'ALREADY_QUEUED', 'ROOM_CLOSED'], idempotent: 'join', summary: 'Join a waiting room' }),
  route('GET /api/v1/queue', { auth: 'queue', handle: waitingRoom.poll, fromMemory: waitingRoom.pollFromMemory, answers: { 200: Ticket }, limit: 'poll', summary: 'The place that the queue token names' }),
  route('GET /api/v1/queue/{queueId}', { auth: 'queue', handle: waitingRoom.poll, fromMemory: waitingRoom.pollFromMemory, answers: { 200: Ticket }, limit: 'poll', summary: 'A place' }),
  route('DELETE /api/v1/queue/{queueId}', { auth: 'queue', handle: waitingRoom.leave, answers: { 204: null }, summary: 'Give a place back, and its holds' }),
  route('GET /api/v1/users/{userId}/places', { auth: 'access or desk', handle: waitingRoom.places, answers: { 200: Places }, limit: 'user', summary: 'A user’s live places, with their tokens' }),

  // dates and seats, for those who were admitted
  route('GET /api/v1/concerts/schedules', { auth: 'active', handle: concerts.schedulesAndSeats, answers: { 200: SchedulesWithSeats }, summary: 'Dates and seats of the queue token’s concert' }),
  route('GET /api/v1/concerts/{concertId}/schedules', { auth: 'active', handle: concerts.schedules, query: SchedulesQuery, answers: { 200: Schedules }, summary: 'Dates of a concert' }),
  route('GET /api/v1/concerts/{concertId}/schedules/{scheduleId}/seats', { auth: 'active', handle: concerts.seats, fromMemory: concerts.seatsFromMemory, query: SeatsQuery, answers: { 200: SeatMap, 304: null }, errors: ['SCHEDULE_NOT_FOUND'], cache: REVALIDATED, summary: 'Seats of a date' }),
  route('GET /api/v1/concerts/{concertId}/seats', { auth: 'active', handle: concerts.seatsOfDay, query: DayQuery, answers: { 200: SeatMapsOfDate }, summary: 'Seats of all dates on a day' }),

  // reservations
  route('POST /api/v1/reservations', { auth: 'place', handle: reservations.hold, body: ReservationInput, answers: { 201: Reservation }, errors: ['CONCERT_NOT_FOUND', 'SCHEDULE_NOT_FOUND', 'SEAT_NOT_FOUND', 'SEAT_TAKEN', 'SEAT_LIMIT', 'SESSION_OVER'], idempotent: 'hold', summary: 'Hold seats, all or none' }),
  route('GET /api/v1/reservations/{reservationId}', { auth: 'user or desk', handle: reservations.reservation, answers: { 200: Reservation }, errors: ['RESERVATION_NOT_FOUND'], summary: 'A reservation' }),
  route('DELETE /api/v1/reservations/{reservationId}', { auth: 'user', handle: reservations.cancel, answers: { 200: Reservation }, errors: ['RESERVATION_NOT_FOUND', 'RESERVATION_EXPIRED', 'ALREADY_PAID'], summary: 'Cancel a hold' }),
  route('GET /api/v1/users/{userId}/reservations', { auth: 'user or desk', handle: reservations.reservations, query: ReservationsQuery, answers: { 200: Reservations }, limit: 'user', summary: 'A user’s reservations' }),

  // wallet
  route('GET /api/v1/users/{userId}/balance', { auth: 'user or desk', handle: wallet.balance, answers: { 200: Balance }, spends: true, summary: 'What a user can spend' }),
  route('POST /api/v1/users/{userId}/balance', { auth: 'user or desk', handle: wallet.charge, body: ChargeInput, answers: { 200: Charge }, errors: ['INVALID_AMOUNT'], spends: true, idempotent: 'charge', summary: 'Add money' }),
  route('GET /api/v1/users/{userId}/balance/history', { auth: 'user or desk', handle: wallet.history, query: Page, answers: { 200: History }, spends: true, limit: 'user', summary: 'Charges and payments of a user' }),

  // payments
  route('POST /api/v1/payments', { auth: 'place', handle: payments.pay, body: PaymentInput, answers: { 201: Payment, 200: Payment }, errors: ['RESERVATION_NOT_FOUND', 'RESERVATION_EXPIRED', 'RESERVATION_CANCELLED', 'INSUFFICIENT_BALANCE', 'USER_NOT_FOUND'], idempotent: 'pay', summary: 'Pay a hold; a payment that exists already is 200' }),
  route('GET /api/v1/payments/{paymentId}', { auth: 'user or desk', handle: payments.payment, answers: { 200: Payment }, errors: ['PAYMENT_NOT_FOUND'], summary: 'A payment' }),

  // operators
  route('PUT /api/v1/admin/concerts/{concertId}', { auth: 'operator', handle: operators.putConcert, query: ImportQuery, body: ConcertInput, bodyMaxBytes, answers: { 200: ImportedConcert, 201: ImportedConcert }, errors: ['IMPORT_CONFLICT'], summary: 'Create or change a concert' }),
  route('GET /api/v1/admin/concerts/{concertId}/room', { auth: 'operator', handle: operators.readRoom, answers: { 200: SetRoom }, errors: ['CONCERT_NOT_FOUND'], summary: 'What a waiting room is set to' }),
  route('PATCH /api/v1/admin/concerts/{concertId}/room', { auth: 'operator', handle: operators.patchRoom, body: RoomSettings, answers: { 200: Room }, errors: ['CONCERT_NOT_FOUND'], summary: 'Change a waiting room' }),
  route('POST /api/v1/admin/concerts/{concertId}/room/reset', { auth: 'operator', handle: operators.reset, answers: { 200: Room }, errors: ['CONCERT_NOT_FOUND'], idempotent: 'reset', summary: 'After data loss: a new epoch, every place is over' }),
  route('GET /api/v1/admin/concerts/{concertId}/stats', { auth: 'operator', handle: operators.stats, answers: { 200: Stats }, errors: ['CONCERT_NOT_FOUND'], summary: 'Numbers of a concert' }),
  route('GET /api/v1/admin/concerts/{concertId}/queue/{queueId}', { auth: 'operator', handle: operators.place, answers: { 200: Inspected }, errors: ['CONCERT_NOT_FOUND', 'QUEUE_NOT_FOUND'], summary: 'A place, its user and holds' }),
  route('DELETE /api/v1/admin/concerts/{concertId}/queue/{queueId}', { auth: 'operator', handle: operators.remove, answers: { 204: null }, errors: ['CONCERT_NOT_FOUND', 'QUEUE_NOT_FOUND'], summary: 'Remove a place' }),
  route('GET /api/v1/admin/audit', { auth: 'operator', handle: operators.audit, answers: { 200: AuditReport, 202: AuditRunning }, summary: 'Whether the books balance' }),

  // people
  route('GET /', { auth: 'none', handle: pages.fanPage, answers: PAGE, cache: 'no-cache', page: true, summary: 'The fan’s pages' }),
  route('GET /console', { auth: 'none', handle: pages.consolePage, answers: PAGE, cache: 'no-cache', page: true, summary: 'The operator’s console' }),
  route('GET /assets/{name}', { auth: 'none', handle: pages.asset, answers: PAGE, cache: FOR_GOOD, page: true, summary: 'Files of the pages' }),

  // machines
  route('GET /healthz', { auth: 'none', handle: probes.health, answers: { 200: Liveness }, summary: 'Alive: asks nobody' }),
  route('GET /readyz', { auth: 'none', handle: probes.readiness, answers: { 200: Readiness }, summary: 'Ready: Redis answers, and the server does not drain' }),
  route('GET /metrics', { auth: 'none', handle: probes.metricsText, answers: { 200: TEXT }, summary: 'Metrics for Prometheus' }),
  route('GET /openapi.json', { auth: 'none', handle: documents.openApi, answers: { 200: Document }, summary: 'These calls, OpenAPI 3.1' }),
  route('GET /asyncapi.json', { auth: 'none', handle: documents.asyncApi, answers: { 200: Document }, summary: 'The messages of the WebSocket, AsyncAPI 3' }),
  route('GET /docs', { auth: 'none', handle: documents.documentsPage, answers: { 200: HTML }, summary: 'Both documents, to read' }),
  route('GET /docs/calls', { auth: 'none', handle: documents.callsPage, answers: { 200: HTML }, page: true, summary: 'The calls, drawn' }),
  route('GET /docs/messages', { auth: 'none', handle: documents.messagesPage, answers: { 200: HTML }, page: true, summary: 'The messages, drawn' }),
  route('GET /docs/{name}', { auth: 'none', handle: documents.drawer, answers: PAGE, cache: FOR_GOOD, page: true, summary: 'The script that draws them' }),
];
