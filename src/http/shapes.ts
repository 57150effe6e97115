/** Shapes that belong to no room: what machines ask, and answers put together for one call. */
import { Type } from 'typebox';
import { ConcertId } from '../concerts/shapes.ts';
import { Ticket } from '../waiting-room/shapes.ts';

const closed = { additionalProperties: false };

export const JoinInput = Type.Object({ concertId: ConcertId }, closed);

export const Places = Type.Object(
  { places: Type.Array(Ticket, { description: 'live places; with their tokens, unless an operator asks' }) },
  closed,
);

/** A place as operators see it. */
export const Inspected = Type.Object(
  {
    ...Ticket.properties,
    userId: Type.String(),
    holds: Type.Array(
      Type.Object(
        {
          reservationId: Type.String(),
          seats: Type.Integer({ minimum: 1 }),
          expiresAt: Type.String({ format: 'date-time' }),
        },
        closed,
      ),
      { description: 'live holds of its user in this concert' },
    ),
  },
  { $id: 'Inspected', ...closed },
);

export const AuditRunning = Type.Object({ running: Type.Literal(true) }, closed);

export const Liveness = Type.Object({ status: Type.Literal('alive') }, closed);
export const Readiness = Type.Object({ status: Type.Literal('ready') }, closed);
/** An OpenAPI or AsyncAPI document. */
export const Document = Type.Object({}, { additionalProperties: true });
