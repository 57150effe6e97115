/** What takes a socket that does as it is told, and time that is made: silence, back-off, close codes, no leaks. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { CLOSE, type ServerMessage } from './api.ts';
import { SocketLink } from './socket-link.ts';

class FakeSocket extends EventTarget {
  static all: FakeSocket[] = [];
  sent: unknown[] = [];
  closed = false;
  constructor() {
    super();
    FakeSocket.all.push(this);
  }
  send(text: string): void {
    this.sent.push(JSON.parse(text));
  }
  close(): void {
    this.closed = true;
  }
  open(): void {
    this.dispatchEvent(new Event('open'));
  }
  tell(message: object): void {
    this.dispatchEvent(new MessageEvent('message', { data: JSON.stringify(message) }));
  }
  lose(code: number): void {
    this.dispatchEvent(Object.assign(new Event('close'), { code }));
  }
}

const heard: ServerMessage[] = [];
const downs: number[] = [];
const ends: number[] = [];
let link: SocketLink;

const socket = (): FakeSocket => {
  const last = FakeSocket.all.at(-1);
  if (!last) throw new Error('no socket');
  return last;
};
const message = { type: 'ticket', ticket: {} };
const auth = { type: 'auth', token: 'a-token' };

beforeEach(() => {
  vi.useFakeTimers();
  for (const list of [FakeSocket.all, heard, downs, ends]) list.length = 0;
  link = new SocketLink(
    { url: 'ws://x/ws', token: 'a-token', WebSocket: FakeSocket as unknown as typeof WebSocket },
    {
      message: (one) => void heard.push(one),
      down: (failures) => void downs.push(failures),
      ended: (code) => void ends.push(code),
    },
  );
});

afterEach(() => {
  link.close();
  expect(vi.getTimerCount()).toBe(0);
  expect(FakeSocket.all.every(({ closed }) => closed)).toBe(true);
  vi.useRealTimers();
  vi.restoreAllMocks();
});

test('it says who it is, and nothing else before it was answered', () => {
  link.send({ type: 'unwatch', scheduleId: 'd1' });
  socket().open();
  link.send({ type: 'unwatch', scheduleId: 'd1' });
  expect(socket().sent).toEqual([auth]);
  socket().tell(message);
  link.send({ type: 'watch', scheduleId: 'd1' });
  expect(socket().sent).toEqual([auth, { type: 'watch', scheduleId: 'd1' }]);
  expect(heard).toEqual([message]);
});

test('after 45 s of silence it asks; without an answer the socket is given up, whatever it says later', () => {
  vi.spyOn(Math, 'random').mockReturnValue(0);
  socket().open();
  socket().tell(message);
  vi.advanceTimersByTime(45_000);
  expect(socket().sent).toEqual([auth, auth]);
  socket().tell(message);
  vi.advanceTimersByTime(54_000);
  expect(FakeSocket.all).toHaveLength(1);
  vi.advanceTimersByTime(1_500);
  const [old] = FakeSocket.all;
  expect(downs).toEqual([1]);
  expect(old?.closed).toBe(true);
  expect(FakeSocket.all).toHaveLength(2);
  old?.tell(message);
  old?.lose(1006);
  expect(heard).toHaveLength(2);
  expect(downs).toEqual([1]);
});

test('one that is never answered is given up after 10 s', () => {
  vi.advanceTimersByTime(10_000);
  expect(downs).toEqual([1]);
});

test('pauses double from half a second to 15 s, each in its upper half; a socket that lasted starts anew', () => {
  for (const wholeMs of [500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000]) {
    const count = FakeSocket.all.length;
    socket().lose(1006);
    vi.advanceTimersByTime(wholeMs / 2 - 1);
    expect(FakeSocket.all).toHaveLength(count);
    vi.advanceTimersByTime(wholeMs / 2 + 1);
    expect(FakeSocket.all).toHaveLength(count + 1);
  }
  expect(downs).toEqual([1, 2, 3, 4, 5, 6, 7]);
  socket().tell(message);
  vi.advanceTimersByTime(11_000);
  socket().lose(CLOSE.TOO_SLOW);
  expect(downs.at(-1)).toBe(1);
});

test('a restart spreads over 2 s; restarts in a row are a fault like any other', () => {
  socket().tell(message);
  socket().lose(CLOSE.RESTARTING);
  vi.advanceTimersByTime(2_000);
  expect(FakeSocket.all).toHaveLength(2);
  socket().lose(CLOSE.RESTARTING);
  vi.advanceTimersByTime(499);
  expect(FakeSocket.all).toHaveLength(2);
});

test.for([CLOSE.NOT_AUTHENTICATED, CLOSE.PLACES_OVER])('%i is the end', (code) => {
  socket().lose(code);
  vi.advanceTimersByTime(60_000);
  expect(FakeSocket.all).toHaveLength(1);
  expect(ends).toEqual([code]);
  expect(downs).toEqual([]);
});
