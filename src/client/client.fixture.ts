/** A system with a proxy before it, fans of its own, and concerts as a test wants them; to be called at a file's top. */
import { afterAll, afterEach, beforeAll } from 'vitest';
import { freePort } from '../local/free-port.ts';
import { testDatabase } from '../testing/connect.ts';
import { concertInput, enter, newFan, putConcert } from '../testing/fan.ts';
import { type RedisServer, startRedis } from '../testing/redis-server.ts';
import { OPERATOR_KEY, startSystem, type System } from '../testing/system.ts';
import { startProxy, type TcpProxy } from '../testing/tcp-proxy.ts';
import { type Client, createClient, WaitingRoom } from './index.ts';

export interface Scene {
  system: System;
  /** the network between every client of the scene and the system */
  proxy: TcpProxy;
  /** without credentials */
  client: Client;
  operator: Client;
  /** logged in */
  fan(): Promise<{ userId: string; client: Client }>;
  /** logged in, and ACTIVE in that room */
  buyer(concertId: string): Promise<{ userId: string; client: Client; token: string; queueId: string }>;
  concert(concertId: string, options?: Parameters<typeof concertInput>[0]): Promise<void>;
  /** closed after the test */
  follow(settings: ConstructorParameters<typeof WaitingRoom>[0]): WaitingRoom;
  /** the same again, on the same port */
  restart(how: 'stop' | 'kill9'): Promise<void>;
}

export async function scene(): Promise<Scene> {
  const databaseUrl = await testDatabase();
  const at = {} as Scene;
  const rooms: WaitingRoom[] = [];
  let redis: RedisServer;
  const env = () => ({ REDIS_URL: redis.url, DATABASE_URL: databaseUrl, LIMIT_LOGIN_PER_SECOND: '0' });

  beforeAll(async () => {
    redis = await startRedis();
    // Named, for a restart: one that the system chose (PORT=0) cannot be taken again for a minute.
    at.system = await startSystem({ ...env(), PORT: String(await freePort()) });
    at.proxy = await startProxy({ target: at.system.port });
    at.client = createClient({ baseUrl: `http://127.0.0.1:${at.proxy.port}`, deadlineMs: 5_000 });
    at.operator = at.client.with({ operatorKey: OPERATOR_KEY });
  });
  afterEach(() => {
    for (const room of rooms.splice(0)) room.close();
    at.proxy.decide(undefined);
    at.proxy.refuse(false);
  });
  afterAll(async () => {
    await at.proxy?.stop();
    await at.system?.stop();
    await redis?.stop();
  });

  at.fan = async () => {
    const { userId, accessToken } = await newFan(at.system.url);
    return { userId, client: at.client.with({ accessToken }) };
  };
  at.buyer = async (concertId) => {
    const fan = await newFan(at.system.url);
    const { token, queueId } = await enter(at.system.url, fan, concertId);
    return { userId: fan.userId, client: at.client.with({ queueToken: token }), token, queueId };
  };
  at.concert = async (concertId, options) => {
    const { status } = await putConcert(at.system.url, concertId, concertInput(options));
    if (status >= 300) throw new Error(`import: ${status}`);
  };
  at.follow = (settings) => {
    const room = new WaitingRoom(settings);
    rooms.push(room);
    return room;
  };
  at.restart = async (how) => {
    const { port } = at.system;
    await at.system[how]();
    at.system = await startSystem({ ...env(), PORT: String(port) });
  };
  return at;
}
