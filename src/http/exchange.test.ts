import { afterEach, describe, expect, test } from 'vitest';
import { connectRaw, rawCall } from '../testing/raw-http.ts';
import { until } from '../testing/until.ts';
import type { Body } from './body.ts';
import { type Deadlines, type HttpAnswer, HttpServer } from './exchange.ts';
import type { Head } from './head.ts';
import type { Service, Work } from './work.ts';

const servers: HttpServer[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

interface Seen {
  head: Head;
  body: Body;
}

/** Answers with what it saw; a path may be given an answer of its own. */
async function start(
  answers: Record<string, (seen: Seen) => Promise<HttpAnswer>> = {},
  deadlines: Partial<Deadlines> = {},
  known?: () => HttpAnswer,
) {
  const seen: Seen[] = [];
  const service: Service = {
    ...(known && { shortcuts: new Map([['/known', known]]) }),
    plan: (head): Work => ({
      bodyMaxBytes: 100,
      keepBody: head.path !== '/forgets',
      async run(body) {
        seen.push({ head, body });
        const own = answers[head.path];
        if (own) return own({ head, body });
        return {
          status: 200,
          headers: 'Content-Type: application/json',
          body: JSON.stringify({ text: body.text, length: body.length }),
        };
      },
    }),
    refusal: (_head, code, members) => ({ status: 400, headers: '', body: JSON.stringify({ code, ...members }) }),
  };
  const server = new HttpServer(service, deadlines);
  servers.push(server);
  const port = await server.listen('127.0.0.1', 0, { shared: false });
  return { server, port, seen };
}

const post = (path: string, body: string, headers = '') =>
  `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: ${Buffer.byteLength(body)}\r\n${headers}\r\n${body}`;
const get = (path: string, headers = '') => `GET ${path} HTTP/1.1\r\nHost: a\r\n${headers}\r\n`;

describe('requests', () => {
  test('method, raw path, query, headers and body are copied before the first await', async () => {
    const { port, seen } = await start({
      async '/a%20b'() {
        await new Promise((wake) => setTimeout(wake, 20));
        return { status: 200, headers: '', body: 'late' };
      },
    });
    const answer = await rawCall(port, post('/a%20b?x=%20&y', 'hello', 'X-A: 1\r\nX-A: 2\r\n'));
    expect(answer).toMatchObject({ status: 200, body: 'late' });
    const [{ head, body } = { head: null, body: null }] = seen;
    expect(head).toMatchObject({ method: 'POST', path: '/a%20b', query: 'x=%20&y' });
    expect(head?.headers.get('x-a')).toBe('1,2');
    expect(body?.text).toBe('hello');
  });

  test('a body in many pieces is put together', async () => {
    const { port } = await start();
    const connection = await connectRaw(port);
    const text = post('/', 'abcdef');
    for (const part of [text.slice(0, -4), text.slice(-4, -1), text.slice(-1)]) {
      connection.write(part);
      await new Promise((wake) => setTimeout(wake, 10));
    }
    expect(JSON.parse((await connection.next()).body)).toEqual({ text: 'abcdef', length: 6 });
    connection.destroy();
  });

  test('chunked bodies are read', async () => {
    const { port } = await start();
    const answer = await rawCall(
      port,
      'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n',
    );
    expect(JSON.parse(answer.body)).toEqual({ text: 'abcde', length: 5 });
  });

  test('one connection serves one request after the other', async () => {
    const { port } = await start();
    const connection = await connectRaw(port);
    for (const text of ['one', 'two']) {
      connection.write(post('/', text));
      expect(JSON.parse((await connection.next()).body).text).toBe(text);
    }
    connection.destroy();
  });

  test('a request that comes before the one before it was answered ends the connection', async () => {
    const { port, seen } = await start();
    const connection = await connectRaw(port);
    connection.write(get('/one') + get('/two') + get('/three'));
    await connection.closed;
    expect(seen.map(({ head }) => head.path)).toEqual(['/one']);
  });

  test('a plain request id is kept, another is replaced', async () => {
    const { port, seen } = await start();
    await rawCall(port, get('/', 'X-Request-Id: abc-1.Z_9\r\n'));
    await rawCall(port, get('/', 'X-Request-Id: a b\r\n'));
    await rawCall(port, get('/', `X-Request-Id: ${'a'.repeat(65)}\r\n`));
    expect(seen[0]?.head.requestId).toBe('abc-1.Z_9');
    for (const { head } of seen.slice(1)) expect(head.requestId).toMatch(/^[0-9a-f]{32}-[0-9a-z]+$/);
  });

  test('the address of the peer can be asked', async () => {
    const addresses: string[] = [];
    const server = new HttpServer({
      plan(head) {
        addresses.push(head.peer());
        return { bodyMaxBytes: 0, keepBody: false, run: async () => ({ status: 204, headers: '', body: null }) };
      },
      refusal: () => ({ status: 500, headers: '', body: null }),
    });
    servers.push(server);
    await rawCall(await server.listen('127.0.0.1', 0, { shared: false }), get('/'));
    expect(addresses).toEqual(['127.0.0.1']);
  });
});

describe('what two readers could understand differently ends the connection', () => {
  const cases = [
    ['two lengths', 'Content-Length: 3\r\nContent-Length: 5\r\n\r\nabcde'],
    ['another transfer encoding', 'Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n'],
    ['identity', 'Transfer-Encoding: identity\r\n\r\nabc'],
    ['both at once', 'Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n'],
    ['a list of lengths', 'Content-Length: 3, 3\r\n\r\nabc'],
    ['a signed length', 'Content-Length: +3\r\n\r\nabc'],
    ['a length below zero', 'Content-Length: -3\r\n\r\nabc'],
  ];
  test.each(cases)('%s', async (_, rest) => {
    const { port, seen } = await start();
    const connection = await connectRaw(port);
    connection.write(`POST / HTTP/1.1\r\nHost: a\r\n${rest}`);
    await connection.closed;
    expect(connection.rest()).toMatch(/^HTTP\/1\.1 400 /);
    expect(seen).toEqual([]);
  });

  // The rest of the packet may be a body to a proxy in front, which would take its answer for somebody else's.
  test.each(['Content-Length:\r\nContent-Length: 30', 'Content-Length: 0\r\nContent-Length: 30'])(
    'what follows is no request: %j',
    async (lengths) => {
      const { port, seen } = await start();
      const connection = await connectRaw(port);
      connection.write(`POST / HTTP/1.1\r\nHost: a\r\n${lengths}\r\n\r\n${get('/smuggled')}`);
      await connection.closed;
      expect(seen).toEqual([]);
    },
  );

  test('the same length twice is one', async () => {
    const { port } = await start();
    const answer = await rawCall(
      port,
      'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc',
    );
    expect(JSON.parse(answer.body).text).toBe('abc');
  });
});

describe('size', () => {
  test('one byte too many is told to the work, which does not get the bytes; the connection goes on', async () => {
    const { port } = await start();
    const connection = await connectRaw(port);
    connection.write(post('/', 'x'.repeat(101)));
    expect(JSON.parse((await connection.next()).body)).toEqual({ text: null, length: 101 });
    connection.write(post('/', 'x'.repeat(100)));
    expect(JSON.parse((await connection.next()).body)).toMatchObject({ length: 100 });
    connection.destroy();
  });

  test('a body that the work does not want is read and forgotten', async () => {
    const { port } = await start();
    expect(JSON.parse((await rawCall(port, post('/forgets', 'abc'))).body)).toEqual({ text: null, length: 3 });
  });

  test('an absurd length is refused unread', async () => {
    const { port } = await start();
    const connection = await connectRaw(port);
    connection.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999\r\n\r\n');
    expect(JSON.parse((await connection.next()).body)).toEqual({ code: 'BODY_TOO_LARGE' });
    await connection.closed;
  });

  test('a chunked body without an end is cut off', async () => {
    const { port, seen } = await start();
    const connection = await connectRaw(port);
    connection.write('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n');
    const chunk = `100000\r\n${'x'.repeat(0x100000)}\r\n`;
    for (let i = 0; i < 12; i++) connection.write(chunk);
    await connection.closed;
    expect(seen).toEqual([]);
  });
});

describe('answers', () => {
  test('HEAD has the length and no body', async () => {
    const { port } = await start();
    const connection = await connectRaw(port);
    connection.write('HEAD / HTTP/1.1\r\nHost: a\r\n\r\n');
    const answer = await connection.next({ head: true });
    expect(Number(answer.headers['content-length'])).toBeGreaterThan(10);
    expect(answer.body).toBe('');
    connection.write(get('/'));
    expect((await connection.next()).status).toBe(200);
    connection.destroy();
  });

  test('204 has neither body nor length', async () => {
    const { port } = await start({ '/none': async () => ({ status: 204, headers: '', body: null }) });
    const answer = await rawCall(port, get('/none'));
    expect(answer.status).toBe(204);
    expect(answer.headers).not.toHaveProperty('content-length');
  });

  test.each([
    ['text', 'é'.repeat(12_000_000)],
    ['bytes', Buffer.from('é'.repeat(12_000_000))],
  ])('a big answer (%s) to a slow reader arrives whole, and counts as in flight until then', async (_, body) => {
    const { server, port, seen } = await start({ '/big': async () => ({ status: 200, headers: '', body }) });
    const connection = await connectRaw(port);
    connection.pause();
    connection.write(get('/big'));
    await until(() => seen.length === 1);
    expect(server.inFlight()).toBe(1);
    connection.resume();
    const answer = await connection.next();
    expect(answer.body === body.toString()).toBe(true);
    connection.write(get('/'));
    expect((await connection.next()).status).toBe(200);
    await until(() => server.inFlight() === 0);
    connection.destroy();
  });

  test.each([
    ['a body', { status: 200, headers: '', body: 'x'.repeat(10_000) }],
    ['none', { status: 304, headers: '', body: null }],
  ])('at once, with %s: who asks on and reads nothing is not answered without end', async (_, answer) => {
    let asked = 0;
    const server = new HttpServer({
      shortcuts: new Map([['/quick', () => ((asked += 1), answer)]]),
      plan: () => ({ bodyMaxBytes: 0, keepBody: false, run: async () => answer }),
      refusal: () => answer,
    });
    servers.push(server);
    const connection = await connectRaw(await server.listen('127.0.0.1', 0, { shared: false }));
    connection.pause();
    const requests = 20_000;
    connection.write(get('/quick').repeat(requests));
    await until(() => asked > 0 && server.inFlight() === 0);
    expect(asked).toBeLessThan(requests / 4);
    connection.destroy();
  });

  test('a client that leaves in the middle of a big answer leaves nothing behind', async () => {
    const { server, port } = await start({
      '/big': async () => ({ status: 200, headers: '', body: 'x'.repeat(24_000_000) }),
    });
    const connection = await connectRaw(port);
    connection.pause();
    connection.write(get('/big'));
    await until(() => server.inFlight() === 1);
    connection.destroy();
    await until(() => server.inFlight() === 0);
    expect(await server.drain(0)).toBe(true);
  });

  test('a client that leaves while its call works: the work ends, nothing is answered', async () => {
    const gate = Promise.withResolvers<void>();
    const { server, port, seen } = await start({
      async '/slow'() {
        await gate.promise;
        return { status: 200, headers: '', body: 'x' };
      },
    });
    const connection = await connectRaw(port);
    connection.write(get('/slow'));
    await until(() => seen.length === 1);
    connection.destroy();
    expect(server.inFlight()).toBe(1);
    gate.resolve();
    await until(() => server.inFlight() === 0);
  });

  test('work that rejects is INTERNAL, and its connection goes on', async () => {
    const { server, port } = await start({ '/broken': () => Promise.reject(new Error('broken')) });
    const connection = await connectRaw(port);
    connection.write(get('/broken'));
    expect(JSON.parse((await connection.next()).body)).toEqual({ code: 'INTERNAL' });
    connection.write(get('/'));
    expect((await connection.next()).status).toBe(200);
    expect(server.inFlight()).toBe(0);
    connection.destroy();
  });

  test('a client that leaves in the middle of its body never reaches the work', async () => {
    const { server, port, seen } = await start();
    const connection = await connectRaw(port);
    connection.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc');
    await until(() => server.inFlight() === 1);
    connection.destroy();
    await until(() => server.inFlight() === 0);
    expect(seen).toEqual([]);
  });
});

describe('many requests in a row, of which no answer is looked at', () => {
  test.each(['x', null])(
    'some are answered at once (%s), then the connection ends; others are served',
    async (body) => {
      let asked = 0;
      const { port } = await start({}, {}, () => {
        asked += 1;
        return { status: 200, headers: '', body };
      });
      const connection = await connectRaw(port);
      const other = await connectRaw(port);
      connection.write(get('/known').repeat(3_000));
      await connection.closed;
      expect(asked).toBeGreaterThan(100);
      expect(asked).toBeLessThan(1_500);
      other.write(get('/known'));
      expect((await other.next()).status).toBe(200);
      other.destroy();
    },
  );
});

describe('deadlines', () => {
  test('half a body: UNAVAILABLE, and the connection ends', async () => {
    const { port } = await start({}, { bodyMs: 50 });
    const connection = await connectRaw(port);
    connection.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc');
    expect(JSON.parse((await connection.next()).body)).toEqual({ code: 'UNAVAILABLE' });
    await connection.closed;
  });

  test('work that takes too long: UNAVAILABLE, its own answer comes too late and is dropped', async () => {
    const gate = Promise.withResolvers<void>();
    const { server, port } = await start(
      {
        async '/slow'() {
          await gate.promise;
          return { status: 200, headers: '', body: 'late' };
        },
      },
      { requestMs: 50 },
    );
    const connection = await connectRaw(port);
    connection.write(get('/slow'));
    expect(JSON.parse((await connection.next()).body)).toEqual({ code: 'UNAVAILABLE' });
    expect(server.inFlight()).toBe(1);
    gate.resolve();
    await until(() => server.inFlight() === 0);
    connection.write(get('/'));
    expect((await connection.next()).status).toBe(200);
    connection.destroy();
  });
});

describe('the end', () => {
  test('a drain waits for what is in flight, answers it with Connection: close, and takes nobody new', async () => {
    const gate = Promise.withResolvers<void>();
    const { server, port, seen } = await start({
      async '/slow'() {
        await gate.promise;
        return { status: 200, headers: '', body: 'done' };
      },
    });
    const connection = await connectRaw(port);
    connection.write(get('/slow'));
    await until(() => seen.length === 1);
    server.stopListening();
    expect(server.draining).toBe(true);
    await expect(connectRaw(port)).rejects.toThrow('ECONNREFUSED');
    const drained = server.drain(5_000);
    gate.resolve();
    expect(await connection.next()).toMatchObject({ status: 200, body: 'done', headers: { connection: 'close' } });
    await connection.closed;
    expect(await drained).toBe(true);
  });

  test('a drain gives up at its deadline', async () => {
    const { server, port, seen } = await start({ '/never': () => new Promise(() => {}) });
    const connection = await connectRaw(port);
    connection.write(get('/never'));
    await until(() => seen.length === 1);
    expect(await server.drain(30)).toBe(false);
    connection.destroy();
  });

  test('a taken port is an error, not a share of it', async () => {
    const { port } = await start();
    const second = new HttpServer({
      plan: () => ({ bodyMaxBytes: 0, keepBody: false, run: async () => ({ status: 204, headers: '', body: null }) }),
      refusal: () => ({ status: 500, headers: '', body: null }),
    });
    servers.push(second);
    await expect(second.listen('127.0.0.1', port, { shared: false })).rejects.toThrow(
      `PORT: ${port} on 127.0.0.1 is taken`,
    );
  });
});
