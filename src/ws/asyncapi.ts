/** The AsyncAPI 3 document of the WebSocket, made from the schemas by which messages are checked and rendered. */
import type { TSchema } from 'typebox';
import { CLOSE } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { MESSAGE_EXAMPLES } from './examples.ts';
import { CLIENT_MESSAGES, SERVER_MESSAGES } from './frames.ts';

type Json = { [member: string]: unknown };

const CLOSE_CODES: Record<number, string> = {
  [CLOSE.BAD_MESSAGES]: 'bad messages',
  [CLOSE.NOT_AUTHENTICATED]:
    'not authenticated: the first message was no `auth` with a good token, or none came in time',
  [CLOSE.PLACES_OVER]: 'all places on it are over',
  [CLOSE.TOO_SLOW]: 'too slow: frames are not read, or pings not answered',
  [CLOSE.RESTARTING]: 'restarting: reconnect with jitter; the place is kept',
};

/** The document; `version` is the one of the product. Messages are named by their type, schemas as in OpenAPI. */
export function asyncApiOf(version: string): Json {
  const schemas = new Map<string, Json>();
  const messages = { ...messagesOf(CLIENT_MESSAGES, schemas), ...messagesOf(SERVER_MESSAGES, schemas) };
  const names = Object.keys(messages);
  const refs = (of: object) => Object.keys(of).map((name) => ({ $ref: `#/channels/socket/messages/${name}` }));
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'onsale',
      version,
      description: `Push to those who wait and buy. JSON in text frames; a client says at most ${LIMITS.WS_MESSAGE_MAX_BYTES} bytes a message and ${LIMITS.WS_MESSAGES_A_SECOND} messages a second. The server pings every ${LIMITS.WS_PING_MS / 1000} s, and at once after an ACTIVE ticket: the answer claims the place. Queue tokens come from \`POST /api/v1/queue\`.`,
      license: { name: 'Apache-2.0' },
    },
    defaultContentType: 'application/json',
    channels: {
      socket: {
        address: '/ws',
        title: 'The WebSocket',
        description: `Closed with: ${Object.entries(CLOSE_CODES)
          .map(([code, meaning]) => `${code} (${meaning})`)
          .join('; ')}.`,
        messages: Object.fromEntries(names.map((name) => [name, { $ref: `#/components/messages/${name}` }])),
        bindings: { ws: { method: 'GET', bindingVersion: '0.1.0' } },
        'x-close-codes': CLOSE_CODES,
      },
    },
    operations: {
      hear: {
        action: 'receive',
        channel: { $ref: '#/channels/socket' },
        summary: 'What a client says.',
        messages: refs(CLIENT_MESSAGES),
      },
      tell: {
        action: 'send',
        channel: { $ref: '#/channels/socket' },
        summary: 'What the server says.',
        messages: refs(SERVER_MESSAGES),
      },
    },
    components: { messages, schemas: Object.fromEntries([...schemas].sort(([a], [b]) => (a < b ? -1 : 1))) },
  };
}

function messagesOf(table: Readonly<Record<string, TSchema>>, schemas: Map<string, Json>): Json {
  return Object.fromEntries(
    Object.entries(table).map(([name, schema]) => {
      const { description: summary, ...payload } = hoist(schema, schemas) as Json;
      const examples = [{ payload: MESSAGE_EXAMPLES[name as keyof typeof MESSAGE_EXAMPLES] }];
      return [name, { name, title: name, summary, contentType: 'application/json', payload, examples }];
    }),
  );
}

/** A schema with a name (`$id`) goes among the components, and a reference stands where it was. */
function hoist(schema: unknown, schemas: Map<string, Json>): unknown {
  if (Array.isArray(schema)) return schema.map((one) => hoist(one, schemas));
  if (typeof schema !== 'object' || schema === null) return schema;
  const { $id: name, ...members } = schema as Json;
  const plain = Object.fromEntries(Object.entries(members).map(([member, value]) => [member, hoist(value, schemas)]));
  if (typeof name !== 'string') return plain;
  schemas.set(name, plain);
  return { $ref: `#/components/schemas/${name}` };
}
