/** The whole API on a real server and real Redis, as a person uses it; each answer is held against the documents. */
import { admitRoom } from '../waiting-room/admit.ts';
import { isRefusal } from '../errors.ts';
import type { RedisClient } from '../redis/script.ts';
import { concertInput } from '../testing/fan.ts';
import { expectDeclared } from './conform.fixture.ts';
import { type Answer, type CallOptions, OPERATOR_KEY, type Served, serve, type Setup } from './http.fixture.ts';
import { routes } from './routes.ts';

export interface Fan {
  userId: string;
  access: string;
}

export interface Place {
  queueId: string;
  token: string;
}

export class Api {
  readonly redis: RedisClient;
  #served: Served | null = null;

  constructor(redis: RedisClient) {
    this.redis = redis;
  }

  /** A server with these settings, in place of the one before. */
  start = async (setup: Partial<Setup> = {}): Promise<void> => {
    await this.close();
    this.#served = await serve(this.redis, { table: routes, ...setup });
  };

  get served(): Served {
    if (!this.#served) throw new Error('not started');
    return this.#served;
  }

  close = async (): Promise<void> => {
    await this.#served?.close();
    this.#served = null;
  };

  call = async (path: string, options: CallOptions = {}): Promise<Answer> => {
    const answer = await this.served.call(path, options);
    expectDeclared(options.method ?? (options.body === undefined ? 'GET' : 'POST'), path, answer);
    return answer;
  };

  operator = (path: string, options: CallOptions = {}): Promise<Answer> =>
    this.call(`/api/v1/admin${path}`, { bearer: OPERATOR_KEY, ...options });

  putConcert = (concertId: string, input: object = concertInput()): Promise<Answer> =>
    this.operator(`/concerts/${concertId}`, { method: 'PUT', body: input });

  /** A new user, signed in. */
  fan = async (email = `${Math.random()}@example.com`): Promise<Fan> => {
    const user = await this.served.app.users.signUp({ email, password: 'correct horse' });
    if (isRefusal(user)) throw new Error(user.refused);
    return { userId: user.userId, access: this.served.app.tokens.signAccess(user.userId) };
  };

  join = async ({ access }: Fan, concertId: string): Promise<Place> => {
    const { status, body } = await this.call('/api/v1/queue', { body: { concertId }, bearer: access });
    if (status !== 201) throw new Error(`${status} ${JSON.stringify(body)}`);
    return body;
  };

  /** Joins and is let in. */
  enter = async (person: Fan, concertId: string): Promise<Place> => {
    const place = await this.join(person, concertId);
    await admitRoom({ redis: this.redis }, { concertId, lease: 'test' });
    return place;
  };

  hold = (queue: string, seatIds: string[], headers = {}): Promise<Answer> =>
    this.call('/api/v1/reservations', { body: { scheduleId: 'd1', seatIds }, queue, headers });

  charge = (userId: string, body: unknown, options: CallOptions = {}): Promise<Answer> =>
    this.call(`/api/v1/users/${userId}/balance`, { body, ...options });
}
