/**
 * Writes src/client/api.ts, what the typed client knows of the API, from the route table, the frames of the socket and
 * the table of refusals: `node scripts/generate-client.ts`. The file stands alone: no schemas, no code of the server.
 */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { CLOSE, ERRORS, type ErrorCode } from '../src/errors.ts';
import { declaredErrors } from '../src/http/declared.ts';
import { paramsSchema } from '../src/http/prepare.ts';
import { problemSchema } from '../src/http/problem-schema.ts';
import type { Auth, Route } from '../src/http/route.ts';
import { routes } from '../src/http/routes.ts';
import { CLIENT_MESSAGES, SERVER_MESSAGES } from '../src/ws/frames.ts';
import { comment, createTypes, type Member, type Schema, type Types } from './client-types.ts';

const root = resolve(import.meta.dirname, '..');
const FILE = resolve(root, 'src/client/api.ts');

/** Calls are named by their handlers, but for those that say too little, or say it twice, without their folder. */
const NAMES: Record<string, string> = {
  'GET /api/v1/queue/{queueId}': 'pollPlace',
  'POST /api/v1/admin/concerts/{concertId}/room/reset': 'resetRoom',
  'GET /api/v1/admin/concerts/{concertId}/queue/{queueId}': 'inspectPlace',
  'DELETE /api/v1/admin/concerts/{concertId}/queue/{queueId}': 'removePlace',
};

/** Which credentials a call takes, the first that is there: `q`ueue token, `a`ccess token, `o`perator key. */
const CREDENTIALS: Record<Auth, string> = {
  none: '',
  access: 'a',
  'access or desk': 'ao',
  queue: 'q',
  user: 'qa',
  'user or desk': 'qao',
  // An access token alone gets NOT_ACTIVE, which says more than 401; and a payment's repeat needs no more.
  active: 'qa',
  place: 'qa',
  operator: 'o',
};

interface Call {
  name: string;
  route: Route;
  params: Member[];
  query: Member[];
  body: Member[];
}

/** What fans and operators call; what machines ask is no part of it. */
function callsOf(table: readonly Route[]): Call[] {
  const calls = table
    .filter(({ path }) => path.startsWith('/api/'))
    .map((route): Call => {
      const name = NAMES[`${route.method} ${route.path}`] ?? route.handle.name;
      const [params, query, body] = [paramsSchema(route.path), route.query, route.body].map(membersOf);
      return { name, route, params: params ?? [], query: query ?? [], body: body ?? [] };
    });
  assertUnique(calls.map(({ name }) => name));
  // The client takes one flat object.
  for (const { params, query, body } of calls) assertUnique([...params, ...query, ...body].map(({ name }) => name));
  return calls;
}

function assertUnique(names: readonly string[]): void {
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice) throw new Error(`two of ${names.join(', ')} are called ${twice}`);
}

function membersOf(schema: object | undefined): Member[] {
  const { properties = {}, required = [] } = (schema ?? {}) as Schema;
  return Object.entries(properties).map(([name, of]) => {
    return { name, schema: of, optional: !required.includes(name) || 'default' in of };
  });
}

function inputOf({ params, query, body }: Call, { membersType, typeOf }: Types): string {
  const input = [...params, ...query, ...body].map((member) => {
    // The server leaves the amount to the wallet, whose refusal names the bounds; it is a number all the same.
    if (member.name === 'amount') return { ...member, optional: false, type: 'number' };
    return member.optional ? { ...member, type: `${typeOf(member.schema)} | undefined` } : member;
  });
  return membersType(input);
}

function answerOf({ route }: Call, { typeOf }: Types): string {
  return Object.entries(route.answers)
    .map(([status, answer]) => {
      const body = answer === null ? 'null' : typeOf(answer as Schema);
      return `{ status: ${status}; body: ${body} }`;
    })
    .join(' | ');
}

const literals = (values: readonly string[]) => values.map((value) => `'${value}'`).join(' | ');

function problemsOf({ membersType }: Types): string {
  const codes = (Object.keys(ERRORS) as ErrorCode[]).map((code): Member => {
    const { allOf } = problemSchema([code]) as { allOf: Schema[] };
    const { properties = {}, required = [] } = allOf[2] ?? {};
    const members = Object.entries(properties).map(([name, schema]) => {
      return { name, schema, optional: name !== 'status' && !required.includes(name) };
    });
    const { status, title } = ERRORS[code];
    const schema = { description: `${status}: ${title}` };
    return { name: code, schema, optional: false, type: membersType(members) };
  });
  return `export interface Problems ${membersType(codes)}`;
}

function messagesOf(name: string, table: Readonly<Record<string, object>>, { typeOf }: Types): string {
  return `export type ${name} = ${Object.values(table)
    .map((schema) => typeOf(schema as Schema))
    .join(' | ')};`;
}

function tableOf(calls: readonly Call[]): string {
  const rows = calls.map(({ name, route: { method, path, auth }, query }) => {
    const names = query.length > 0 ? `, [${query.map((one) => `'${one.name}'`).join(', ')}]` : '';
    return `  ${name}: ['${method}', '${path}', '${CREDENTIALS[auth]}'${names}],`;
  });
  return `/** Method, path, credentials (of \`q\`ueue token, \`a\`ccess token, \`o\`perator key the first that is there), names of the query. */
// biome-ignore format: one call a line
export const CALLS = {\n${rows.join('\n')}\n} satisfies Record<keyof Calls, readonly [string, string, string, string[]?]>;`;
}

export function clientApi(): string {
  const types = createTypes();
  const calls = callsOf(routes);
  const declared = calls.map((call) => {
    const { route, name } = call;
    const input = inputOf(call, types);
    const members = `input: ${input}; answer: ${answerOf(call, types)}; refusal: ${literals(declaredErrors(route))};`;
    return `${comment(`${route.summary}. \`${route.method} ${route.path}\``)}${name}: { ${members} };`;
  });
  const problems = problemsOf(types);
  const messages = [
    messagesOf('ServerMessage', SERVER_MESSAGES, types),
    messagesOf('ClientMessage', CLIENT_MESSAGES, types),
  ];
  const repeatable = Object.entries(ERRORS).filter(([, { retry }]) => retry);
  const text = [
    '/* Written by scripts/generate-client.ts from the route table, the frames and the refusals: do not edit. */',
    '/* oxlint-disable max-lines */',
    `export interface Calls {\n${declared.join('\n')}\n}`,
    '/** A refusal as it is sent; RFC 9457. Further members come with its code. */\nexport interface Problem { type: string; title: string; detail: string; code: keyof Problems; status: number | string | null; }',
    `/** The members of each refusal. */\n${problems}`,
    ...messages,
    ...types.named(),
    `/** Refusals after which the same call may succeed without a change. */\nexport const REPEATABLE = [${repeatable.map(([code]) => `'${code}'`).join(', ')}] as const;`,
    `/** Close codes of the socket. */\nexport const CLOSE = ${JSON.stringify(CLOSE)} as const;`,
    tableOf(calls),
  ].join('\n\n');
  const biome = resolve(root, 'node_modules/.bin/biome');
  return execFileSync(biome, ['format', `--stdin-file-path=${FILE}`], { cwd: root, input: text, encoding: 'utf8' });
}

if (import.meta.main) writeFileSync(FILE, clientApi());
