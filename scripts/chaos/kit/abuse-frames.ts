/** WebSocket frames and messages that no client should send. Each socket has to be ended, or to go on as if nothing were. */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { LIMITS } from '../../../src/limits.ts';
import { frameOf, openRawSocket, type RawSocket } from '../../../src/testing/raw-socket.ts';
import { until } from '../../../src/testing/until.ts';
import { forge } from './abuse-tokens.ts';
import type { Dice } from './random.ts';

const TEXT = 1;
const [CONTINUATION, BINARY, CLOSE, PING, PONG] = [0, 2, 8, 9, 10];
/** A stranger's time, with what a busy machine takes. */
const ENDED_WITHIN_MS = LIMITS.WS_AUTH_DEADLINE_MS + 5_000;

/** A head as it is said, whatever follows. */
const head = (first: number, ...rest: number[]) => Buffer.from([first, ...rest]);
const MASK = randomBytes(4);
const masked = (first: number, length: number[], body: number) =>
  Buffer.concat([head(first, ...length), MASK, Buffer.alloc(body)]);
/** Not its end. */
const part = (opcode: number, body: string) => {
  const frame = frameOf(opcode, body);
  frame[0] = opcode;
  return frame;
};

interface Scene {
  what: string;
  /** the place first */
  known?: true;
  /** false: what it sends is allowed, and it stays */
  ends: boolean;
  act(socket: RawSocket, random: Dice): Promise<void> | void;
}

const many = (count: number, say: (index: number) => void) => {
  for (let index = 0; index < count; index++) say(index);
};
const watch = (scheduleId: string) => JSON.stringify({ type: 'watch', scheduleId });

// biome-ignore format: a list
const SHAPES = [
  '', '{', '[]', 'null', '5', '"auth"', '{"type":5}', '{"type":"__proto__"}', '{"type":"auth"}',
  '{"type":"auth","token":5}', '{"type":"auth","token":""}', '{"type":"watch"}',
  '{"type":"watch","scheduleId":"d1","version":-1}', '{"type":"watch","scheduleId":"d1","version":1e300}',
  '{"type":"watch","scheduleId":["d1"]}', '{"type":"leave","queueId":{}}',
  '{"type":"auth","token":"a.b.c","more":1}', '['.repeat(2_000), '\u0000', '{"type":"unwatch"}',
];

/** Of strangers, and (`known`) of who has a place. */
const SCENES: readonly Scene[] = [
  { what: 'says nothing', ends: true, act: () => {} },
  { what: 'reserved bits', ends: true, act: (socket) => socket.write(masked(0xf1, [0x80], 0)) },
  {
    what: 'reserved opcodes',
    ends: true,
    act: (socket, random) => socket.write(masked(0x80 | random.pick([3, 7, 11, 15]), [0x80], 0)),
  },
  {
    what: 'a length of 2^63',
    ends: true,
    act: (socket) => socket.write(masked(0x81, [0xff, 0x80, 0, 0, 0, 0, 0, 0, 0], 100)),
  },
  {
    what: 'a length of 4 GB',
    ends: true,
    act: (socket) => socket.write(masked(0x82, [0xff, 0, 0, 0, 1, 0, 0, 0, 0], 100)),
  },
  {
    what: 'a length in more bytes than it needs',
    ends: true,
    act: (socket) => socket.write(masked(0x81, [0xfe, 0, 1], 1)),
  },
  {
    what: 'a long control frame',
    ends: true,
    act: (socket, random) => socket.write(masked(0x80 | random.pick([CLOSE, PING, PONG]), [0xfe, 1, 0], 256)),
  },
  { what: 'a control frame in parts', ends: true, act: (socket) => socket.write(part(PING, 'x')) },
  { what: 'no mask', ends: true, act: (socket) => socket.write(Buffer.concat([head(0x81, 5), Buffer.from('hello')])) },
  { what: 'a part of nothing', ends: true, act: (socket) => socket.write(frameOf(CONTINUATION, 'x')) },
  {
    what: 'parts without end',
    ends: true,
    act: (socket) => {
      socket.write(part(TEXT, 'x'));
      many(300, () => socket.write(part(CONTINUATION, 'x'.repeat(100))));
    },
  },
  {
    what: 'empty parts without end',
    ends: true,
    act: (socket) => {
      socket.write(part(TEXT, ''));
      socket.write(Buffer.concat(Array.from({ length: 10_000 }, () => part(CONTINUATION, ''))));
    },
  },
  {
    what: 'a new message within one',
    ends: true,
    act: (socket) => {
      socket.write(part(TEXT, 'x'));
      socket.write(frameOf(TEXT, 'y'));
    },
  },
  { what: 'bad UTF-8', ends: true, act: (socket) => socket.write(masked(0x81, [0x82], 2)) },
  { what: 'binary', ends: true, act: (socket) => socket.write(frameOf(BINARY, 'x')) },
  { what: 'a close frame of one byte', ends: true, act: (socket) => socket.write(frameOf(CLOSE, 'x')) },
  { what: 'half a frame', ends: true, act: (socket) => socket.write(frameOf(TEXT, 'x'.repeat(100)).subarray(0, 50)) },
  {
    what: 'HTTP on a socket',
    ends: true,
    act: (socket) => socket.write(Buffer.from('GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n')),
  },
  {
    what: 'noise',
    ends: true,
    act: (socket, random) => socket.write(Buffer.from(Array.from({ length: 500 }, () => random.between(0, 255)))),
  },
  { what: 'another message than auth', ends: true, act: (socket) => socket.text(watch('d1')) },
  { what: 'shapes of a stranger', ends: true, act: (socket, random) => socket.text(random.pick(SHAPES)) },
  {
    what: 'pings of a stranger',
    ends: true,
    act: (socket) => many(500, () => socket.write(frameOf(PING, 'x'.repeat(100)))),
  },
  { what: 'pongs of a stranger', ends: true, act: (socket) => many(5_000, () => socket.pong('1')) },
  { what: 'shapes', known: true, ends: true, act: (socket, random) => many(3, () => socket.text(random.pick(SHAPES))) },
  {
    what: 'messages too long',
    known: true,
    ends: true,
    act: (socket) => many(3, () => socket.text('x'.repeat(LIMITS.WS_MESSAGE_MAX_BYTES + 1))),
  },
  {
    what: 'a message far too long',
    known: true,
    ends: true,
    act: (socket) => socket.text('x'.repeat(LIMITS.WS_CUT_OFF_BYTES + 1)),
  },
  {
    what: 'a flood of messages',
    known: true,
    ends: true,
    act: (socket) => many(2_000, () => socket.text('{"type":"unwatch","scheduleId":"d1"}')),
  },
  {
    what: 'a flood of pings',
    known: true,
    ends: true,
    act: (socket) => many(2_000, () => socket.write(frameOf(PING, 'x'))),
  },
  { what: 'a flood of watches', known: true, ends: true, act: (socket) => many(500, () => socket.text(watch('d1'))) },
  {
    what: 'watches of what is not there',
    known: true,
    ends: false,
    act: async (socket) => {
      for (let i = 0; i < 10; i++) {
        socket.text(watch(`nope-${i}`));
        await sleep(60);
      }
    },
  },
  {
    what: 'leaves of others',
    known: true,
    ends: false,
    act: (socket) => many(5, (i) => socket.text(`{"type":"leave","queueId":"q_${i}"}`)),
  },
  { what: 'a flood of pongs', known: true, ends: false, act: (socket) => many(5_000, (i) => socket.pong(String(i))) },
];

export interface Frames {
  sockets: number;
  violations: string[];
  outcomes: Map<string, number>;
}

export interface Stage {
  port: number;
  /** of a place that waits */
  token: string;
  secret: string;
}

/** Plays every scene, and as many forged tokens. */
export async function playScenes(stage: Stage, random: Dice): Promise<Frames> {
  const told: Frames = { sockets: 0, violations: [], outcomes: new Map() };
  const scenes = [...SCENES, ...SCENES.map(() => forgery(random, stage))];
  await Promise.all(scenes.map((scene) => play(stage, scene, { told, random })));
  return told;
}

function forgery(random: Dice, { token, secret }: Stage): Scene {
  const forged = forge(random, token, secret);
  const message = JSON.stringify({ type: 'auth', token: forged.token.slice(0, 4_000) });
  return { what: `a forged token: ${forged.what}`, ends: true, act: (socket) => socket.text(message) };
}

async function play(
  { port, token }: Stage,
  { what, known, ends, act }: Scene,
  { told, random }: { told: Frames; random: Dice },
): Promise<void> {
  const socket = await openRawSocket(port);
  told.sockets += 1;
  if (known) {
    socket.text(JSON.stringify({ type: 'auth', token }));
    await until(() => socket.texts.length > 0, { what: 'the ticket of the place' });
  }
  await act(socket, random);
  const code = await Promise.race([socket.closed, sleep(ends ? ENDED_WITHIN_MS : 1_000, null, { ref: false })]);
  if (ends && code === null) told.violations.push(`${what}: its socket is open after ${ENDED_WITHIN_MS} ms`);
  if (!ends && code !== null) told.violations.push(`${what}: its socket was closed with ${code}`);
  if (!known && socket.texts.length > 0) told.violations.push(`${what}: a stranger was told ${socket.texts[0]}`);
  for (const text of socket.texts.filter((each) => each.includes('"INTERNAL"')))
    told.violations.push(`${what}: ${text}`);
  const outcome = code === null ? 'stays' : code === 0 ? 'cut' : String(code);
  told.outcomes.set(outcome, (told.outcomes.get(outcome) ?? 0) + 1);
  socket.destroy();
}
