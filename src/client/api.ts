/* Written by scripts/generate-client.ts from the route table, the frames and the refusals: do not edit. */

/* oxlint-disable max-lines */

export interface Calls {
  /** Sign up. `POST /api/v1/users` */
  signUp: {
    input: {
      /** compared without case */
      email: string;
      password: string;
      name?: string | undefined;
    };
    answer: {
      status: 201;
      body: {
        /** opaque */
        userId: string;
      };
    };
    refusal:
      | 'VALIDATION'
      | 'BODY_TOO_LARGE'
      | 'UNSUPPORTED_MEDIA_TYPE'
      | 'RATE_LIMITED'
      | 'EMAIL_TAKEN'
      | 'NOT_FOUND'
      | 'INTERNAL'
      | 'UNAVAILABLE';
  };
  /** Log in. `POST /api/v1/auth/login` */
  logIn: {
    input: {
      email: string;
      password: string;
    };
    answer: {
      status: 200;
      body: {
        /** to be sent as `Authorization: Bearer <accessToken>` */
        accessToken: string;
        tokenType: 'Bearer';
        expiresInSeconds: number;
        userId: string;
      };
    };
    refusal:
      | 'VALIDATION'
      | 'BODY_TOO_LARGE'
      | 'UNSUPPORTED_MEDIA_TYPE'
      | 'RATE_LIMITED'
      | 'INVALID_CREDENTIALS'
      | 'NOT_FOUND'
      | 'INTERNAL'
      | 'UNAVAILABLE';
  };
  /** All concerts. `GET /api/v1/concerts` */
  concerts: {
    input: {
      limit?: number | undefined;
      /** `nextCursor` of the page before */
      cursor?: string | undefined;
    };
    answer: {
      status: 200;
      body: {
        concerts: Concert[];
        /** null at the end */
        nextCursor: string | null;
      };
    };
    refusal: 'VALIDATION' | 'INTERNAL' | 'UNAVAILABLE';
  };
  /** A concert with its dates. `GET /api/v1/concerts/{concertId}` */
  concert: {
    input: {
      /** chosen by the operator */
      concertId: string;
    };
    answer: { status: 200; body: Concert };
    refusal: 'VALIDATION' | 'CONCERT_NOT_FOUND' | 'INTERNAL' | 'UNAVAILABLE';
  };
  /** The numbers of a waiting room. `GET /api/v1/concerts/{concertId}/room` */
  room: {
    input: {
      /** chosen by the operator */
      concertId: string;
    };
    answer: { status: 200; body: Room };
    refusal: 'VALIDATION' | 'CONCERT_NOT_FOUND' | 'INTERNAL' | 'UNAVAILABLE';
  };
  /** Join a waiting room. `POST /api/v1/queue` */
  join: {
    input: {
      /** chosen by the operator */
      concertId: string;
    };
    answer: { status: 201; body: Ticket };
    refusal:
      | 'UNAUTHENTICATED'
      | 'FORBIDDEN'
      | 'USER_NOT_FOUND'
      | 'VALIDATION'
      | 'BODY_TOO_LARGE'
      | 'UNSUPPORTED_MEDIA_TYPE'
      | 'IDEMPOTENCY_MISMATCH'
      | 'RATE_LIMITED'
      | 'CONCERT_NOT_FOUND'
      | 'ALREADY_QUEUED'
      | 'ROOM_CLOSED'
      | 'INTERNAL'
      | 'UNAVAILABLE';
  };
  /** The place that the queue token names. `GET /api/v1/queue` */
  poll: {
    input: Record<string, never>;
    answer: { status: 200; body: Ticket };
    refusal:
      | 'UNAUTHENTICATED'
      | 'FORBIDDEN'
      | 'QUEUE_NOT_FOUND'
      | 'VALIDATION'
      | 'RATE_LIMITED'
      | 'INTERNAL'
      | 'UNAVAILABLE';
  };
  /** A place. `GET /api/v1/queue/{queueId}` */
  pollPlace: {
    input: {
      /** opaque */
      queueId: string;
    };
    answer: { status: 200; body: Ticket };
    refusal:
      | 'UNAUTHENTICATED'
      | 'FORBIDDEN'
      | 'QUEUE_NOT_FOUND'
      | 'VALIDATION'
      | 'QUEUE_ID_MISMATCH'
      | 'RATE_LIMITED'
      | 'INTERNAL'
      | 'UNAVAILABLE';
  };
  /** Give a place back, and its holds. `DELETE /api/v1/queue/{queueId}` */
  leave: {
    input: {
      /** opaque */
      queueId: string;
    };
    answer: { status: 204; body: null };
    refusal:
      | 'UNAUTHENTICATED'
      | 'FORBIDDEN'
      | 'QUEUE_NOT_FOUND'
      | 'VALIDATION'
      | 'BODY_TOO_LARGE'
      | 'UNSUPPORTED_MEDIA_TYPE'
      | 'QUEUE_ID_MISMATCH'
      | 'RATE_LIMITED'
      | 'INTERNAL'
      | 'UNAVAILABLE';
  };
  /** A user’s live places, with their tokens. `GET /api/v1/users/{userId}/places` */
  places: {
    input: {
      /** opaque */
      userId: string;
    };
    answer: {
      status: 200;
      body: {
        /** live places; with their tokens, unless an operator asks */
        places: Ticket[];
      };
    };
    refusal:
      | 'UNAUTHENTICATED'
      | 'FORBIDDEN'
      | 'USER_NOT_FOUND'
      | 'VALIDATION'
      | 'RATE_LIMITED'
      | 'INTERNAL'
      | 'UNAVAILABLE';
  };
  /** Dates and seats of the queue token’s concert. `GET /api/v1/concerts/schedules` */
  schedulesAndSeats: {
    input: Record<string, never>;
    answer: {
      status: 200;
      body: {
        /** those with seats left, by `startsAt` */
        schedules: {
          scheduleId: string;
          /** when it starts */
          startsAt: string;
          /** its day in the time zone of the concert */
          date: string;
          /** all seats */
          totalSeats: number;
          /** seats that are neither held nor sold */
          availableSeats: number;
          seats: {
            /** `<section>-<row>-<number>` */
            seatId: string;
            section: string;
            row: string;
            number: number;
            /** in the smallest unit of the currency */
            price: number;
            status: 'AVAILABLE' | 'HELD' | 'SOLD';
          }[];
        }[];
      };
    };
    refusal:
      | 'UNAUTHENTICATED'
      | 'FORBIDDEN'
      | 'NOT_ACTIVE'
      | 'QUEUE_NOT_FOUND'
      | 'CONCERT_NOT_FOUND'
      | 'VALIDATION'
      | 'INTERNAL'
      | 'UNAVAILABLE';
  };
  /** Dates of a concert. `GET /api/v1/concerts/{concertId}/schedules` */
  schedules: {
    input: {
      /** chosen by the operator */
      concertId: string;
      /** a day in the concert’s time zone */
      from?: string | undefined;
      /** a day in the concert’s time zone */
      to?: string | undefined;
      /** true: those without seats left too */
      soldOut?: boolean | undefined;
    };
    answer: {
      status: 200;
      body: {
        /** by `startsAt` */
        schedules: Schedule[];
      };
    };
    refusal:
      | 'UNAUTHENTICATED'
      | 'FORBIDDEN'
      | 'NOT_ACTIVE'
      | 'QUEUE_NOT_FOUND'
      | 'CONCERT_NOT_FOUND'
      | 'VALIDATION'
      | 'INTERNAL'
      | 'UNAVAILABLE';
  };
  /** Seats of a date. `GET /api/v1/concerts/{concertId}/schedules/{scheduleId}/seats` */
  seats: {
    input: {
      /** chosen by the operator */
      concertId: string;
      /** chosen by the operator, unique in its concert */
      scheduleId: string;
      status?: 'AVAILABLE' | 'HELD' | 'SOLD' | undefined;
    };
    answer: { status: 200; body: SeatMap } | { status: 304; body: null };
    refusal:
      | 'UNAUTHENTICATED'
      | 'FORBIDDEN'
      | 'NOT_ACTIVE'
      | 'QUEUE_NOT_FOUND'
      | 'CONCERT_NOT_FOUND'
      | 'VALIDATION'
      | 'SCHEDULE_NOT_FOUND'
      | 'INTERNAL'
      | 'UNAVAILABLE';
  };
  /** Seats of all dates on a day. `GET /api/v1/concerts/{concertId}/seats` */
  seatsOfDay: {
    input: {
      /** chosen by the operator */
      concertId: string;
      /** a day in the concert’s time zone */
      date: string;
      status?: 'AVAILABLE' | 'HELD' | 'SOLD' | undefined;
    };
    answer: {
      status: 200;
      body: {
        /** by `startsAt` */
        schedules: SeatMap[];
      };
    };
    refusal:
      | 'UNAUTHENTICATED'
      | 'FORBIDDEN'
      | 'NOT_ACTIVE'
      | 'QUEUE_NOT_FOUND'
      | 'CONCERT_NOT_FOUND'
      | 'VALIDATION'
      | 'INTERNAL'
      | 'UNAVAILABLE';
  };
  /** Hold seats, all or none. `POST /api/v1/reservations` */
  hold: {
    input: {
      /** chosen by the operator, unique in its concert */
      scheduleId: string;
      seatIds: string[];
    };
    answer: { status: 201; body: Reservation };
    refusal:
      | 'UNAUTHENTICATED'
      | 'FORBIDDEN'
      | 'NOT_ACTIVE'
      | 'QUEUE_NOT_FOUND'
      | 'VALIDATION'
      | 'BODY_TOO_LARGE'
      | 'UNSUPPORTED_MEDIA_TYPE'
      | 'IDEMPOTENCY_MISMATCH'
      | 'RATE_LIMITED'
      | 'CONCERT_NOT_FOUND'
      | 'SCHEDULE_NOT_FOUND'
      | 'SEAT_NOT_FOUND'
      | 'SEAT_TAKEN'
      | 'SEAT_LIMIT'
      | 'SESSION_OVER'
      | 'INTERNAL'
      | 'UNAVAILABLE';
  };
  /** A reservation. `GET /api/v1/reservations/{reservationId}` */
  reservation: {
    input: {
      /** opaque */
      reservationId: string;
    };
    answer: { status: 200; body: Reservation };
    refusal:
      | 'UNAUTHENTICATED'
      | 'FORBIDDEN'
      | 'USER_NOT_FOUND'
      | 'VALIDATION'
      | 'RESERVATION_NOT_FOUND'
      | 'INTERNAL'
      | 'UNAVAILABLE';
  };
  /** Cancel a hold. `DELETE /api/v1/reservations/{reservationId}` */
  cancel: {
    input: {
      /** opaque */
      reservationId: string;
    };
    answer: { status: 200; body: Reservation };
    refusal:
      | 'UNAUTHENTICATED'
      | 'FORBIDDEN'
      | 'USER_NOT_FOUND'
      | 'VALIDATION'
      | 'BODY_TOO_LARGE'
      | 'UNSUPPORTED_MEDIA_TYPE'
      | 'RATE_LIMITED'
      | 'RESERVATION_NOT_FOUND'
      | 'RESERVATION_EXPIRED'
      | 'ALREADY_PAID'
      | 'INTERNAL'
      | 'UNAVAILABLE';
  };
  /** A user’s reservations. `GET /api/v1/users/{userId}/reservations` */
  reservations: {
    input: {
      /** opaque */
      userId: string;
      limit?: number | undefined;
      /** `nextCursor` of the page before */
      cursor?: string | undefined;
      status?: 'HELD' | 'CONFIRMED' | 'CANCELLED' | 'EXPIRED' | undefined;
    };
    answer: {
      status: 200;
      body: {
        /** newest first */
        reservations: Reservation[];
        /** null at the end */
        nextCursor: string | null;
      };
    };
    refusal:
      | 'UNAUTHENTICATED'
      | 'FORBIDDEN'
      | 'USER_NOT_FOUND'
      | 'VALIDATION'
      | 'RATE_LIMITED'
      | 'INTERNAL'
      | 'UNAVAILABLE';
  };
  /** What a user can spend. `GET /api/v1/users/{userId}/balance` */
  balance: {
    input: {
      /** opaque */
      userId: string;
    };
    answer: { status: 200; body: Balance };
    refusal:
      | 'UNAUTHENTICATED'
      | 'FORBIDDEN'
      | 'USER_NOT_FOUND'
      | 'VALIDATION'
      | 'NOT_ACTIVE'
      | 'QUEUE_NOT_FOUND'
      | 'CONCERT_NOT_FOUND'
      | 'INTERNAL'
      | 'UNAVAILABLE';
  };
  /** Add money. `POST /api/v1/users/{userId}/balance` */
  charge: {
    input: {
      /** opaque */
      userId: string;
      /** an integer, 1 to 10000000, else INVALID_AMOUNT */
      amount: number;
    };
    answer: { status: 200; body: Charge };
    refusal:
      | 'UNAUTHENTICATED'
      | 'FORBIDDEN'
      | 'USER_NOT_FOUND'
      | 'VALIDATION'
      | 'BODY_TOO_LARGE'
      | 'UNSUPPORTED_MEDIA_TYPE'
      | 'NOT_ACTIVE'
      | 'QUEUE_NOT_FOUND'
      | 'CONCERT_NOT_FOUND'
      | 'IDEMPOTENCY_MISMATCH'
      | 'RATE_LIMITED'
      | 'INVALID_AMOUNT'
      | 'INTERNAL'
      | 'UNAVAILABLE';
  };
  /** Charges and payments of a user. `GET /api/v1/users/{userId}/balance/history` */
  history: {
    input: {
      /** opaque */
      userId: string;
      limit?: number | undefined;
      /** `nextCursor` of the page before */
      cursor?: string | undefined;
    };
    answer: { status: 200; body: History };
    refusal:
      | 'UNAUTHENTICATED'
      | 'FORBIDDEN'
      | 'USER_NOT_FOUND'
      | 'VALIDATION'
      | 'NOT_ACTIVE'
      | 'QUEUE_NOT_FOUND'
      | 'CONCERT_NOT_FOUND'
      | 'RATE_LIMITED'
      | 'INTERNAL'
      | 'UNAVAILABLE';
  };
  /** Pay a hold; a payment that exists already is 200. `POST /api/v1/payments` */
  pay: {
    input: {
      reservationId: string;
    };
    answer: { status: 200; body: Payment } | { status: 201; body: Payment };
    refusal:
      | 'UNAUTHENTICATED'
      | 'FORBIDDEN'
      | 'NOT_ACTIVE'
      | 'QUEUE_NOT_FOUND'
      | 'VALIDATION'
      | 'BODY_TOO_LARGE'
      | 'UNSUPPORTED_MEDIA_TYPE'
      | 'IDEMPOTENCY_MISMATCH'
      | 'RATE_LIMITED'
      | 'RESERVATION_NOT_FOUND'
      | 'RESERVATION_EXPIRED'
      | 'RESERVATION_CANCELLED'
      | 'INSUFFICIENT_BALANCE'
      | 'USER_NOT_FOUND'
      | 'INTERNAL'
      | 'UNAVAILABLE';
  };
  /** A payment. `GET /api/v1/payments/{paymentId}` */
  payment: {
    input: {
      /** opaque */
      paymentId: string;
    };
    answer: { status: 200; body: Payment };
    refusal:
      | 'UNAUTHENTICATED'
      | 'FORBIDDEN'
      | 'USER_NOT_FOUND'
      | 'VALIDATION'
      | 'PAYMENT_NOT_FOUND'
      | 'INTERNAL'
      | 'UNAVAILABLE';
  };
  /** Create or change a concert. `PUT /api/v1/admin/concerts/{concertId}` */
  putConcert: {
    input: {
      /** chosen by the operator */
      concertId: string;
      /** true: tell what would change, change nothing */
      dryRun?: boolean | undefined;
      title: string;
      venue: string;
      /** the installation's, which is also the default */
      currency?: string | undefined;
      /** IANA name */
      timeZone?: string | undefined;
      seatLimit?: number | undefined;
      holdSeconds?: number | undefined;
      schedules: {
        /** chosen by the operator, unique in its concert */
        scheduleId: string;
        /** RFC 3339, with an offset */
        startsAt: string;
        sections: {
          /** name of the section: 1 to 16 letters or digits of any script */
          section: string;
          /** of each seat here */
          price: number;
          rows: {
            /** name of the row, unique in its section: 1 to 16 letters or digits of any script */
            row: string;
            /** numbered from 1 */
            seats: number;
          }[];
        }[];
      }[];
      room?: RoomSettings | undefined;
    };
    answer: { status: 200; body: ImportedConcert } | { status: 201; body: ImportedConcert };
    refusal:
      | 'UNAUTHENTICATED'
      | 'FORBIDDEN'
      | 'VALIDATION'
      | 'BODY_TOO_LARGE'
      | 'UNSUPPORTED_MEDIA_TYPE'
      | 'IMPORT_CONFLICT'
      | 'INTERNAL'
      | 'UNAVAILABLE';
  };
  /** What a waiting room is set to. `GET /api/v1/admin/concerts/{concertId}/room` */
  readRoom: {
    input: {
      /** chosen by the operator */
      concertId: string;
    };
    answer: { status: 200; body: SetRoom };
    refusal: 'UNAUTHENTICATED' | 'FORBIDDEN' | 'VALIDATION' | 'CONCERT_NOT_FOUND' | 'INTERNAL' | 'UNAVAILABLE';
  };
  /** Change a waiting room. `PATCH /api/v1/admin/concerts/{concertId}/room` */
  patchRoom: {
    input: {
      /** chosen by the operator */
      concertId: string;
      state?: 'OPEN' | 'PAUSED' | 'CLOSED' | undefined;
      /** when a CLOSED room opens by itself */
      opensAt?: string | null | undefined;
      capacity?: number | undefined;
      admitPerSecond?: number | undefined;
      sessionSeconds?: number | undefined;
      claimSeconds?: number | undefined;
      reentry?: 'reject' | 'supersede' | undefined;
    };
    answer: { status: 200; body: Room };
    refusal:
      | 'UNAUTHENTICATED'
      | 'FORBIDDEN'
      | 'VALIDATION'
      | 'BODY_TOO_LARGE'
      | 'UNSUPPORTED_MEDIA_TYPE'
      | 'CONCERT_NOT_FOUND'
      | 'INTERNAL'
      | 'UNAVAILABLE';
  };
  /** After data loss: a new epoch, every place is over. `POST /api/v1/admin/concerts/{concertId}/room/reset` */
  resetRoom: {
    input: {
      /** chosen by the operator */
      concertId: string;
    };
    answer: { status: 200; body: Room };
    refusal:
      | 'UNAUTHENTICATED'
      | 'FORBIDDEN'
      | 'VALIDATION'
      | 'BODY_TOO_LARGE'
      | 'UNSUPPORTED_MEDIA_TYPE'
      | 'IDEMPOTENCY_MISMATCH'
      | 'CONCERT_NOT_FOUND'
      | 'INTERNAL'
      | 'UNAVAILABLE';
  };
  /** Numbers of a concert. `GET /api/v1/admin/concerts/{concertId}/stats` */
  stats: {
    input: {
      /** chosen by the operator */
      concertId: string;
    };
    answer: { status: 200; body: Stats };
    refusal: 'UNAUTHENTICATED' | 'FORBIDDEN' | 'VALIDATION' | 'CONCERT_NOT_FOUND' | 'INTERNAL' | 'UNAVAILABLE';
  };
  /** A place, its user and holds. `GET /api/v1/admin/concerts/{concertId}/queue/{queueId}` */
  inspectPlace: {
    input: {
      /** chosen by the operator */
      concertId: string;
      /** opaque */
      queueId: string;
    };
    answer: { status: 200; body: Inspected };
    refusal:
      | 'UNAUTHENTICATED'
      | 'FORBIDDEN'
      | 'VALIDATION'
      | 'CONCERT_NOT_FOUND'
      | 'QUEUE_NOT_FOUND'
      | 'INTERNAL'
      | 'UNAVAILABLE';
  };
  /** Remove a place. `DELETE /api/v1/admin/concerts/{concertId}/queue/{queueId}` */
  removePlace: {
    input: {
      /** chosen by the operator */
      concertId: string;
      /** opaque */
      queueId: string;
    };
    answer: { status: 204; body: null };
    refusal:
      | 'UNAUTHENTICATED'
      | 'FORBIDDEN'
      | 'VALIDATION'
      | 'BODY_TOO_LARGE'
      | 'UNSUPPORTED_MEDIA_TYPE'
      | 'CONCERT_NOT_FOUND'
      | 'QUEUE_NOT_FOUND'
      | 'INTERNAL'
      | 'UNAVAILABLE';
  };
  /** Whether the books balance. `GET /api/v1/admin/audit` */
  audit: {
    input: Record<string, never>;
    answer:
      | { status: 200; body: AuditReport }
      | {
          status: 202;
          body: {
            running: true;
          };
        };
    refusal: 'UNAUTHENTICATED' | 'FORBIDDEN' | 'VALIDATION' | 'INTERNAL' | 'UNAVAILABLE';
  };
}

/** A refusal as it is sent; RFC 9457. Further members come with its code. */
export interface Problem {
  type: string;
  title: string;
  detail: string;
  code: keyof Problems;
  status: number | string | null;
}

/** The members of each refusal. */
export interface Problems {
  /** 400: Invalid request */
  VALIDATION: {
    code: 'VALIDATION';
    status: 400;
    /** what does not fit: `/seatIds/0` in the body, `query/limit`, `path/concertId`, … */
    errors: {
      path: string;
      message: string;
    }[];
  };
  /** 400: Invalid amount */
  INVALID_AMOUNT: {
    code: 'INVALID_AMOUNT';
    status: 400;
    /** least amount */
    min: number;
    /** most that this wallet takes in one charge */
    max: number;
  };
  /** 400: Reservation expired */
  RESERVATION_EXPIRED: {
    code: 'RESERVATION_EXPIRED';
    status: 400;
    /** when the hold ran out */
    expiredAt: string;
  };
  /** 400: Insufficient balance */
  INSUFFICIENT_BALANCE: {
    code: 'INSUFFICIENT_BALANCE';
    status: 400;
    /** what can be spent */
    balance: number;
    /** what the reservation costs */
    required: number;
  };
  /** 400: Seat limit reached */
  SEAT_LIMIT: {
    code: 'SEAT_LIMIT';
    status: 400;
    /** seats a person */
    limit: number;
    /** held now */
    held: number;
    /** bought already */
    bought: number;
  };
  /** 401: Not authenticated */
  UNAUTHENTICATED: {
    code: 'UNAUTHENTICATED';
    status: 401;
  };
  /** 401: Wrong email or password */
  INVALID_CREDENTIALS: {
    code: 'INVALID_CREDENTIALS';
    status: 401;
  };
  /** 403: Another place */
  QUEUE_ID_MISMATCH: {
    code: 'QUEUE_ID_MISMATCH';
    status: 403;
  };
  /** 403: Not admitted */
  NOT_ACTIVE: {
    code: 'NOT_ACTIVE';
    /** of the queue token’s place (not of HTTP); null where there is none in this room */
    status: string | null;
    /** of that place, while it waits */
    position: number | null;
  };
  /** 403: Forbidden */
  FORBIDDEN: {
    code: 'FORBIDDEN';
    status: 403;
  };
  /** 403: Session over */
  SESSION_OVER: {
    code: 'SESSION_OVER';
    status: 403;
    /** end of the place, for holds that are there */
    expiresAt: string;
  };
  /** 403: Waiting room closed */
  ROOM_CLOSED: {
    code: 'ROOM_CLOSED';
    status: 403;
    /** of the room */
    state: string;
    opensAt: string | null;
  };
  /** 404: User not found */
  USER_NOT_FOUND: {
    code: 'USER_NOT_FOUND';
    status: 404;
  };
  /** 404: Concert not found */
  CONCERT_NOT_FOUND: {
    code: 'CONCERT_NOT_FOUND';
    status: 404;
  };
  /** 404: Schedule not found */
  SCHEDULE_NOT_FOUND: {
    code: 'SCHEDULE_NOT_FOUND';
    status: 404;
  };
  /** 404: Seat not found */
  SEAT_NOT_FOUND: {
    code: 'SEAT_NOT_FOUND';
    status: 404;
    /** those that are not there */
    seatIds: string[];
  };
  /** 404: Reservation not found */
  RESERVATION_NOT_FOUND: {
    code: 'RESERVATION_NOT_FOUND';
    status: 404;
  };
  /** 404: Payment not found */
  PAYMENT_NOT_FOUND: {
    code: 'PAYMENT_NOT_FOUND';
    status: 404;
  };
  /** 404: Place not found */
  QUEUE_NOT_FOUND: {
    code: 'QUEUE_NOT_FOUND';
    status: 404;
  };
  /** 404: Not found */
  NOT_FOUND: {
    code: 'NOT_FOUND';
    status: 404;
  };
  /** 405: Method not allowed */
  METHOD_NOT_ALLOWED: {
    code: 'METHOD_NOT_ALLOWED';
    status: 405;
  };
  /** 409: Email taken */
  EMAIL_TAKEN: {
    code: 'EMAIL_TAKEN';
    status: 409;
  };
  /** 409: Already in the waiting room */
  ALREADY_QUEUED: {
    code: 'ALREADY_QUEUED';
    status: 409;
    ticket: Ticket;
  };
  /** 409: Seat taken */
  SEAT_TAKEN: {
    code: 'SEAT_TAKEN';
    status: 409;
    /** those that were lost */
    seatIds: string[];
    /** where all of them are held by your own hold */
    reservationId?: string;
  };
  /** 409: Already paid */
  ALREADY_PAID: {
    code: 'ALREADY_PAID';
    status: 409;
    /** of the payment */
    paymentId: string;
  };
  /** 409: Reservation cancelled */
  RESERVATION_CANCELLED: {
    code: 'RESERVATION_CANCELLED';
    status: 409;
  };
  /** 409: Import conflicts with sales */
  IMPORT_CONFLICT: {
    code: 'IMPORT_CONFLICT';
    status: 409;
    /** held or sold seats that would be removed or repriced */
    conflicts: {
      path: string;
      message: string;
    }[];
  };
  /** 413: Body too large */
  BODY_TOO_LARGE: {
    code: 'BODY_TOO_LARGE';
    status: 413;
    /** most that this call takes */
    maxBytes?: number;
  };
  /** 415: Unsupported media type */
  UNSUPPORTED_MEDIA_TYPE: {
    code: 'UNSUPPORTED_MEDIA_TYPE';
    status: 415;
  };
  /** 422: Idempotency-Key reused */
  IDEMPOTENCY_MISMATCH: {
    code: 'IDEMPOTENCY_MISMATCH';
    status: 422;
  };
  /** 429: Too many requests */
  RATE_LIMITED: {
    code: 'RATE_LIMITED';
    status: 429;
  };
  /** 503: Unavailable */
  UNAVAILABLE: {
    code: 'UNAVAILABLE';
    status: 503;
  };
  /** 500: Internal error */
  INTERNAL: {
    code: 'INTERNAL';
    status: 500;
    /** finds the fault in the log */
    instance: string;
  };
}

export type ServerMessage =
  | {
      type: 'ticket';
      ticket: Ticket;
    }
  | {
      type: 'room';
      room: Room;
    }
  | {
      type: 'seats';
      concertId: string;
      scheduleId: string;
      /** as in the HTTP interface */
      version: number;
      /** a snapshot: every seat that is not listed is AVAILABLE */
      full?: true;
      changes: [string, 'AVAILABLE' | 'HELD' | 'SOLD'][];
    }
  | {
      type: 'reservation';
      reservation: Reservation;
    }
  | {
      type: 'error';
      /** RFC 9457. `code` is stable; some codes come with further members. */
      problem: Problem & { retryAfterSeconds?: number };
    };

export type ClientMessage =
  | {
      type: 'auth';
      /** a queue token */
      token: string;
    }
  | {
      type: 'watch';
      /** a schedule of a concert in which a place of this socket is ACTIVE */
      scheduleId: string;
      /** where the socket carries places of several concerts */
      concertId?: string;
      /** go on after this version instead of from a snapshot */
      version?: number;
    }
  | {
      type: 'unwatch';
      /** a watched schedule */
      scheduleId: string;
      /** its concert */
      concertId?: string;
    }
  | {
      type: 'leave';
      /** a place of this socket */
      queueId: string;
    };

export interface AuditReport {
  clean: boolean;
  differences: {
    /** what does not agree */
    kind:
      | 'WALLET_MISSING'
      | 'WALLET_UNBALANCED'
      | 'WALLET_PENDING'
      | 'WALLET_HISTORY'
      | 'WALLET_ROWS'
      | 'WALLET_OUTBOX'
      | 'TRANSFER_MISSING'
      | 'TRANSFER_OVERDUE'
      | 'TRANSFER_WITHOUT_PAYMENT'
      | 'PAYMENT_WITHOUT_TRANSFER'
      | 'PAYMENT_OUTBOX'
      | 'PAYMENT_ROW_MISSING'
      | 'PAYMENT_ROW_DIFFERS'
      | 'PAYMENT_NOT_PAID'
      | 'ENTRY_WITHOUT_PAYMENT'
      | 'ROW_WITHOUT_PAYMENT'
      | 'SEAT_NOT_SOLD'
      | 'SEAT_WITHOUT_PAYMENT'
      | 'SEAT_WITHOUT_HOLD'
      | 'FREE_SEATS'
      | 'SOLD_SEATS'
      | 'REVENUE';
    /** id of the payment, wallet, transfer or seat */
    subject: string;
    /** what was found, and what it should be */
    detail: string;
  }[];
  /** money to spend, in all wallets */
  wallets: number;
  /** money set aside for payments that are under way */
  pending: number;
  /** money paid */
  payments: number;
  /** money charged = wallets + pending + payments */
  charges: number;
  /** seats sold, in Redis = seatsRecorded + outbox */
  seatsSold: number;
  /** seats sold, in PostgreSQL */
  seatsRecorded: number;
  /** seats of payments that are not yet in PostgreSQL */
  outbox: number;
}

export interface Balance {
  userId: string;
  /** what can be spent now; money that a payment in progress has set aside is not in it */
  balance: number;
  /** ISO 4217 code */
  currency: string;
}

export interface Charge {
  userId: string;
  /** what can be spent now; money that a payment in progress has set aside is not in it */
  balance: number;
  /** ISO 4217 code */
  currency: string;
  /** opaque; the `reference` of the history entry */
  chargeId: string;
}

export interface Concert {
  concertId: string;
  title: string;
  venue: string;
  /** IANA name */
  timeZone: string;
  /** ISO 4217 code */
  currency: string;
  /** seats that one person may have, held and bought together */
  seatLimit: number;
  /** by `startsAt` */
  schedules: Schedule[];
  room: Room;
}

export interface Entry {
  /** opaque */
  entryId: string;
  kind: 'CHARGE' | 'PAYMENT';
  /** negative for a PAYMENT */
  amount: number;
  /** after this entry, money set aside by payments in progress included */
  balance: number;
  at: string;
  /** chargeId or paymentId */
  reference: string;
}

export interface History {
  /** newest first */
  entries: Entry[];
  /** null at the end; a page may be short of `limit` before it */
  nextCursor: string | null;
}

export interface ImportedConcert {
  concertId: string;
  title: string;
  venue: string;
  /** IANA name */
  timeZone: string;
  /** ISO 4217 code */
  currency: string;
  /** seats that one person may have, held and bought together */
  seatLimit: number;
  /** by `startsAt` */
  schedules: Schedule[];
  room: Room;
  /** seats that were not there before */
  added: number;
  /** seats that are gone */
  removed: number;
  /** seats with another price */
  repriced: number;
  /** seats as they were */
  unchanged: number;
}

export interface Inspected {
  queueId: string;
  /** the queue token; left out for operators */
  token?: string;
  concertId: string;
  status: 'WAITING' | 'ACTIVE' | 'EXPIRED' | 'LEFT' | 'USED';
  /** why the place is over */
  reason: 'UNCLAIMED' | 'SESSION_OVER' | 'SUPERSEDED' | 'LEFT' | 'REMOVED' | 'PAID' | null;
  /** number of the place in its room, in the order of joining */
  sequence: number;
  /** 1 is the next to be admitted; null when not waiting */
  position: number | null;
  /** position - 1 */
  ahead: number | null;
  /** how many wait in all */
  waiting: number;
  /** how many this room has admitted so far */
  admitted: number;
  /** from the measured admission rate; null when nothing is admitted */
  estimatedWaitSeconds: number | null;
  /** when to ask again; grows with the position */
  pollAfterSeconds: number;
  /** when the place was taken */
  joinedAt: string;
  /** of an ACTIVE place: the end of the claim window, then of the session or the last hold */
  expiresAt: string | null;
  /** the time by which the rest was judged */
  serverTime: string;
  userId: string;
  /** live holds of its user in this concert */
  holds: {
    reservationId: string;
    seats: number;
    expiresAt: string;
  }[];
}

export interface Payment {
  paymentId: string;
  reservationId: string;
  userId: string;
  concertId: string;
  scheduleId: string;
  /** with the prices that were paid */
  seats: {
    /** `<section>-<row>-<number>` */
    seatId: string;
    section: string;
    row: string;
    number: number;
    /** in the smallest unit of the currency */
    price: number;
  }[];
  amount: number;
  /** ISO 4217 code */
  currency: string;
  /** what was left to spend after this payment */
  balance: number;
  status: 'CONFIRMED';
  /** when the seats became theirs */
  paidAt: string;
  /** when PostgreSQL had it */
  recordedAt: string | null;
}

export interface Reservation {
  reservationId: string;
  userId: string;
  concertId: string;
  scheduleId: string;
  /** with the prices of the hold */
  seats: {
    /** `<section>-<row>-<number>` */
    seatId: string;
    section: string;
    row: string;
    number: number;
    /** in the smallest unit of the currency */
    price: number;
  }[];
  /** sum of the prices */
  amount: number;
  /** ISO 4217 code */
  currency: string;
  status: 'HELD' | 'CONFIRMED' | 'CANCELLED' | 'EXPIRED';
  /** when the seats were taken */
  createdAt: string;
  /** when the hold runs out, or ran out, unless it was paid */
  expiresAt: string;
  /** once CONFIRMED */
  paymentId: string | null;
  /** the time by which `status` was judged */
  serverTime: string;
}

export interface Room {
  concertId: string;
  state: 'OPEN' | 'PAUSED' | 'CLOSED';
  /** when a CLOSED room opens by itself; null once it has */
  opensAt: string | null;
  /** ACTIVE places at most */
  capacity: number;
  /** how many this room has admitted so far */
  admitted: number;
  /** the highest sequence admitted so far */
  frontier: number;
  /** how many wait */
  waiting: number;
  /** how many are ACTIVE */
  active: number;
  /** admissions a second, measured over about the last minute */
  ratePerSecond: number;
  /** seats that are neither held nor sold, over all schedules */
  seatsLeft: number;
  /** the time of these numbers */
  serverTime: string;
}

export interface RoomSettings {
  state?: 'OPEN' | 'PAUSED' | 'CLOSED';
  /** when a CLOSED room opens by itself */
  opensAt?: string | null;
  capacity?: number;
  admitPerSecond?: number;
  sessionSeconds?: number;
  claimSeconds?: number;
  reentry?: 'reject' | 'supersede';
}

export interface Schedule {
  scheduleId: string;
  /** when it starts */
  startsAt: string;
  /** its day in the time zone of the concert */
  date: string;
  /** all seats */
  totalSeats: number;
  /** seats that are neither held nor sold */
  availableSeats: number;
}

export interface SeatMap {
  scheduleId: string;
  /** raised by one with each change of a seat; the same in every process and over WebSocket */
  version: number;
  /** seats that are neither held nor sold, whatever `status` was asked for */
  available: number;
  /** of the status that was asked for, else all */
  seats: {
    /** `<section>-<row>-<number>` */
    seatId: string;
    section: string;
    row: string;
    number: number;
    /** in the smallest unit of the currency */
    price: number;
    status: 'AVAILABLE' | 'HELD' | 'SOLD';
  }[];
}

export interface SetRoom {
  state: 'OPEN' | 'PAUSED' | 'CLOSED';
  /** when a CLOSED room opens by itself */
  opensAt: string | null;
  capacity: number;
  admitPerSecond: number;
  sessionSeconds: number;
  claimSeconds: number;
  reentry: 'reject' | 'supersede';
}

export interface Stats {
  /** places that wait */
  waiting: number;
  /** ACTIVE places whose deadline has not passed */
  active: number;
  /** places admitted so far */
  admitted: number;
  /** claimed places that ran out, or were superseded */
  expired: number;
  /** admitted places that were not claimed in time */
  noShows: number;
  /** places that left or were removed */
  left: number;
  /** seats held */
  held: number;
  /** seats sold */
  sold: number;
  /** of all payments, in the smallest unit */
  revenue: number;
  /** payments confirmed but not yet in PostgreSQL */
  outboxLag: number;
}

export interface Ticket {
  queueId: string;
  /** the queue token; left out for operators */
  token?: string;
  concertId: string;
  status: 'WAITING' | 'ACTIVE' | 'EXPIRED' | 'LEFT' | 'USED';
  /** why the place is over */
  reason: 'UNCLAIMED' | 'SESSION_OVER' | 'SUPERSEDED' | 'LEFT' | 'REMOVED' | 'PAID' | null;
  /** number of the place in its room, in the order of joining */
  sequence: number;
  /** 1 is the next to be admitted; null when not waiting */
  position: number | null;
  /** position - 1 */
  ahead: number | null;
  /** how many wait in all */
  waiting: number;
  /** how many this room has admitted so far */
  admitted: number;
  /** from the measured admission rate; null when nothing is admitted */
  estimatedWaitSeconds: number | null;
  /** when to ask again; grows with the position */
  pollAfterSeconds: number;
  /** when the place was taken */
  joinedAt: string;
  /** of an ACTIVE place: the end of the claim window, then of the session or the last hold */
  expiresAt: string | null;
  /** the time by which the rest was judged */
  serverTime: string;
}

/** Refusals after which the same call may succeed without a change. */
export const REPEATABLE = ['RATE_LIMITED', 'UNAVAILABLE', 'INTERNAL'] as const;

/** Close codes of the socket. */
export const CLOSE = {
  BAD_MESSAGES: 4400,
  NOT_AUTHENTICATED: 4401,
  PLACES_OVER: 4403,
  TOO_SLOW: 4408,
  RESTARTING: 1012,
} as const;

/** Method, path, credentials (of `q`ueue token, `a`ccess token, `o`perator key the first that is there), names of the query. */
// biome-ignore format: one call a line
export const CALLS = {
  signUp: ['POST', '/api/v1/users', ''],
  logIn: ['POST', '/api/v1/auth/login', ''],
  concerts: ['GET', '/api/v1/concerts', '', ['limit', 'cursor']],
  concert: ['GET', '/api/v1/concerts/{concertId}', ''],
  room: ['GET', '/api/v1/concerts/{concertId}/room', ''],
  join: ['POST', '/api/v1/queue', 'a'],
  poll: ['GET', '/api/v1/queue', 'q'],
  pollPlace: ['GET', '/api/v1/queue/{queueId}', 'q'],
  leave: ['DELETE', '/api/v1/queue/{queueId}', 'q'],
  places: ['GET', '/api/v1/users/{userId}/places', 'ao'],
  schedulesAndSeats: ['GET', '/api/v1/concerts/schedules', 'qa'],
  schedules: ['GET', '/api/v1/concerts/{concertId}/schedules', 'qa', ['from', 'to', 'soldOut']],
  seats: ['GET', '/api/v1/concerts/{concertId}/schedules/{scheduleId}/seats', 'qa', ['status']],
  seatsOfDay: ['GET', '/api/v1/concerts/{concertId}/seats', 'qa', ['date', 'status']],
  hold: ['POST', '/api/v1/reservations', 'qa'],
  reservation: ['GET', '/api/v1/reservations/{reservationId}', 'qao'],
  cancel: ['DELETE', '/api/v1/reservations/{reservationId}', 'qa'],
  reservations: ['GET', '/api/v1/users/{userId}/reservations', 'qao', ['limit', 'cursor', 'status']],
  balance: ['GET', '/api/v1/users/{userId}/balance', 'qao'],
  charge: ['POST', '/api/v1/users/{userId}/balance', 'qao'],
  history: ['GET', '/api/v1/users/{userId}/balance/history', 'qao', ['limit', 'cursor']],
  pay: ['POST', '/api/v1/payments', 'qa'],
  payment: ['GET', '/api/v1/payments/{paymentId}', 'qao'],
  putConcert: ['PUT', '/api/v1/admin/concerts/{concertId}', 'o', ['dryRun']],
  readRoom: ['GET', '/api/v1/admin/concerts/{concertId}/room', 'o'],
  patchRoom: ['PATCH', '/api/v1/admin/concerts/{concertId}/room', 'o'],
  resetRoom: ['POST', '/api/v1/admin/concerts/{concertId}/room/reset', 'o'],
  stats: ['GET', '/api/v1/admin/concerts/{concertId}/stats', 'o'],
  inspectPlace: ['GET', '/api/v1/admin/concerts/{concertId}/queue/{queueId}', 'o'],
  removePlace: ['DELETE', '/api/v1/admin/concerts/{concertId}/queue/{queueId}', 'o'],
  audit: ['GET', '/api/v1/admin/audit', 'o'],
} satisfies Record<keyof Calls, readonly [string, string, string, string[]?]>;
