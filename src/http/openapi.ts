/** The OpenAPI 3.1 document, made from the route table: whatever the server checks is what the document says. */
import { ERRORS, type ErrorCode } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { declaredErrors } from './declared.ts';
import { EXAMPLES, PARAMETERS } from './examples.ts';
import { paramsSchema } from './prepare.ts';
import { PROBLEM, problemExample, problemSchema } from './problem-schema.ts';
import type { Auth, Route } from './route.ts';

type Json = { [member: string]: unknown };

/** Alternatives; the schemes in one of them are needed together. */
const SECURITY: Record<Auth, Json[]> = {
  none: [],
  access: [{ accessToken: [] }],
  'access or desk': [{ accessToken: [] }, { operatorKey: [] }],
  queue: [{ queueToken: [] }, { userToken: [] }],
  user: [{ accessToken: [] }, { queueToken: [] }, { userToken: [] }],
  'user or desk': [{ accessToken: [] }, { queueToken: [] }, { userToken: [] }, { operatorKey: [] }],
  active: [{ queueToken: [] }, { userToken: [] }],
  place: [{ queueToken: [] }, { userToken: [] }],
  operator: [{ operatorKey: [] }],
};

const SCHEMES: Json = {
  accessToken: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description: 'Who you are: from `POST /api/v1/auth/login`, or from the outside identity provider.',
  },
  queueToken: {
    type: 'apiKey',
    in: 'header',
    name: 'Queue-Token',
    description:
      'Your place in one concert’s waiting room: from `POST /api/v1/queue`. It is a credential of its user too.',
  },
  userToken: {
    type: 'apiKey',
    in: 'header',
    name: 'USER-TOKEN',
    description: 'Alias of `Queue-Token`: `Bearer <queue token>`. `Queue-Token` wins.',
  },
  operatorKey: { type: 'http', scheme: 'bearer', description: 'The key of the operators.' },
};

export function openApiOf(table: readonly Route[], version: string): Json {
  const schemas = new Map<string, Json>();
  const paths: Record<string, Json> = {};
  for (const route of table) {
    if (route.page) continue;
    const operations = (paths[route.path] ??= {});
    operations[route.method.toLowerCase()] = operationOf(route, schemas);
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'onsale',
      version,
      description:
        'Waiting room, seats, wallet and payments of a ticket sale. HEAD works where GET does. Times are ISO 8601 UTC, money is an integer in the smallest unit of the one currency.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    paths,
    components: {
      securitySchemes: SCHEMES,
      headers: HEADERS,
      schemas: { ...Object.fromEntries([...schemas].toSorted(byName)), Problem: PROBLEM },
    },
  };
}

function operationOf(route: Route, schemas: Map<string, Json>): Json {
  const { method, path, auth, summary, body } = route;
  return {
    operationId: `${method.toLowerCase()}${path.replace(/^\/api\/v1/, '').replace(/[^A-Za-z0-9]+(\w)?/g, (_, letter = '') => letter.toUpperCase())}`,
    summary,
    tags: [tagOf(path)],
    ...(auth === 'none' ? { security: [] } : { security: SECURITY[auth] }),
    parameters: parametersOf(route, schemas),
    ...(body
      ? {
          requestBody: {
            required: true,
            content: { 'application/json': shown(hoist(body, schemas), exampleOf(route)?.body) },
          },
        }
      : {}),
    responses: { ...answersOf(route, schemas), ...refusalsOf(route) },
  };
}

/** None for the routes of tests, which are not in the table. */
const exampleOf = ({ handle }: Route) => EXAMPLES[handle.name];

/** A schema with its example, where there is one. */
function shown(schema: unknown, example: unknown): Json {
  return example === undefined ? { schema } : { schema, example };
}

const byName = ([a]: [string, unknown], [b]: [string, unknown]) => (a < b ? -1 : 1);
const byNumber = ([a]: [number, unknown], [b]: [number, unknown]) => a - b;

function tagOf(path: string): string {
  const [, , version, first = 'system', second] = path.split('/');
  if (version !== 'v1') return 'system';
  return first === 'users' && second === undefined ? 'auth' : first;
}

function parametersOf(route: Route, schemas: Map<string, Json>): Json[] {
  const inPath = Object.entries(paramsSchema(route.path).properties).map(([name, schema]) => {
    return { name, in: 'path', required: true, ...shown(hoist(schema, schemas), PARAMETERS[name]) };
  });
  const required = new Set(route.query?.required);
  const inQuery = Object.entries(route.query?.properties ?? {}).map(([name, schema]) => {
    const isRequired = required.has(name) && !('default' in schema);
    return {
      name,
      in: 'query',
      required: isRequired,
      ...shown(hoist(schema, schemas), exampleOf(route)?.query?.[name]),
    };
  });
  const key = {
    type: 'string',
    minLength: 1,
    maxLength: LIMITS.IDEMPOTENCY_KEY_MAX_CHARS,
    pattern: '^[\\x21-\\x7e]+$',
  };
  const description = 'Repeats with the same key within 24 hours get the first success as it was.';
  const idempotency = { name: 'Idempotency-Key', in: 'header', required: false, schema: key, description };
  const tag = { name: 'If-None-Match', in: 'header', required: false, schema: { type: 'string' } };
  return [...inPath, ...inQuery, ...(route.idempotent ? [idempotency] : []), ...(304 in route.answers ? [tag] : [])];
}

function answersOf(route: Route, schemas: Map<string, Json>): Json {
  const { answers, method, auth } = route;
  return Object.fromEntries(
    Object.entries(answers).map(([status, answer]) => {
      const names = ['X-Request-Id'];
      if (status === '201' && method === 'POST' && auth !== 'none') names.push('Location');
      if (304 in answers) names.push('ETag');
      if (status === '202') names.push('Retry-After');
      const headers = Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]));
      const description = DESCRIPTIONS[status] ?? 'Done';
      if (answer === null) return [status, { description, headers }];
      const example = exampleOf(route)?.answers[Number(status)];
      const [type, schema] =
        typeof answer === 'string' ? [answer, { type: 'string' }] : ['application/json', hoist(answer, schemas)];
      return [status, { description, headers, content: { [type]: shown(schema, example) } }];
    }),
  );
}

const DESCRIPTIONS: Record<string, string> = {
  200: 'Done',
  201: 'Made',
  202: 'Under way',
  204: 'Done; no body',
  304: 'As you have it; no body',
};

/** One answer by status; its codes are in the schema, each with an example. */
function refusalsOf(route: Route): Json {
  const byStatus = Map.groupBy(declaredErrors(route), (code) => ERRORS[code].status);
  return Object.fromEntries(
    [...byStatus].toSorted(byNumber).map(([status, codes]) => [String(status), refusalOf(status, codes)]),
  );
}

function refusalOf(status: number, codes: readonly ErrorCode[]): Json {
  const names = ['X-Request-Id', ...(status === 429 || status === 503 ? ['Retry-After'] : [])];
  const examples = codes.map((code) => [code, { value: problemExample(code) }]);
  return {
    description: codes.map((code) => `\`${code}\`: ${ERRORS[code].title}`).join('; '),
    headers: Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }])),
    content: { 'application/problem+json': { schema: problemSchema(codes), examples: Object.fromEntries(examples) } },
  };
}

const HEADERS: Json = {
  'X-Request-Id': {
    description: 'The client’s, where it sent a plain one; it is in the log too.',
    schema: { type: 'string' },
  },
  'Retry-After': { description: 'Whole seconds.', schema: { type: 'integer', minimum: 1 } },
  Location: { description: 'Where what was made can be read.', schema: { type: 'string' } },
  ETag: { description: 'To be sent as `If-None-Match`.', schema: { type: 'string' } },
};

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
