import { Type } from 'typebox';
import { describe, expect, test } from 'vitest';
import { ERRORS } from '../errors.ts';
import { declaredErrors } from './declared.ts';
import { indexPage } from './docs-page.ts';
import { openApiOf } from './openapi.ts';
import { createRouter, paramNames } from './router.ts';
import { routes } from './routes.ts';

// oxlint-disable-next-line typescript/no-explicit-any
type Loose = any;
/** Pages are no calls of the API. */
const apiRoutes = routes.filter(({ page }) => !page);
/** The document as a client gets it. */
const document: Loose = JSON.parse(JSON.stringify(openApiOf(routes, '1.2.3')));

function walk(value: unknown, visit: (object: Record<string, unknown>) => void): void {
  if (typeof value !== 'object' || value === null) return;
  if (!Array.isArray(value)) visit(value as Record<string, unknown>);
  for (const member of Object.values(value)) walk(member, visit);
}

function at(pointer: string): unknown {
  return pointer
    .slice(2)
    .split('/')
    .reduce((value: Loose, name) => value?.[name.replaceAll('~1', '/').replaceAll('~0', '~')], document);
}

test('it is OpenAPI 3.1, and has exactly the calls of the route table', () => {
  expect(document).toMatchObject({ openapi: '3.1.0', info: { title: 'onsale', version: '1.2.3' } });
  const described = Object.entries<object>(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
  expect(described.toSorted()).toEqual(apiRoutes.map(({ method, path }) => `${method} ${path}`).toSorted());
});

test('each reference leads somewhere, each name of a schema became one', () => {
  walk(document, (object) => {
    if ('$ref' in object) expect(at(String(object.$ref)), String(object.$ref)).toBeDefined();
    expect(object).not.toHaveProperty('$id');
  });
  expect(Object.keys(document.components.schemas)).toEqual(
    expect.arrayContaining(['Ticket', 'Room', 'Reservation', 'Problem']),
  );
});

test('operation ids are unique', () => {
  const ids: string[] = [];
  walk(document.paths, (object) => 'operationId' in object && ids.push(String(object.operationId)));
  expect(new Set(ids).size).toBe(apiRoutes.length);
});

describe.each(apiRoutes.map((route) => [`${route.method} ${route.path}`, route] as const))('%s', (_, route) => {
  const operation = document.paths[route.path][route.method.toLowerCase()];

  test('parameters are those of the path, of the query, and the headers that are honoured', () => {
    const named = (where: string) =>
      operation.parameters.filter((each: Loose) => each.in === where).map((each: Loose) => each.name);
    expect(named('path')).toEqual(paramNames(route.path));
    expect(named('query')).toEqual(Object.keys(route.query?.properties ?? {}));
    expect(named('header')).toEqual([
      ...(route.idempotent ? ['Idempotency-Key'] : []),
      ...(304 in route.answers ? ['If-None-Match'] : []),
    ]);
    for (const parameter of operation.parameters)
      expect(parameter.required).toBe(parameter.in === 'path' || parameter.name === 'date');
  });

  test('each answer and each refusal is described', () => {
    const statuses = new Set([
      ...Object.keys(route.answers),
      ...declaredErrors(route).map((code) => String(ERRORS[code].status)),
    ]);
    expect(new Set(Object.keys(operation.responses))).toEqual(statuses);
    for (const code of declaredErrors(route)) {
      const response = operation.responses[ERRORS[code].status];
      const { schema, examples } = response.content['application/problem+json'];
      expect(schema.allOf[1].properties.code.enum).toContain(code);
      expect(examples[code].value).toMatchObject({ code, title: ERRORS[code].title });
      expect(response.headers).toHaveProperty('X-Request-Id');
      if ([429, 503].includes(ERRORS[code].status)) expect(response.headers).toHaveProperty('Retry-After');
    }
  });

  test('security is that of the route', () => {
    if (route.auth === 'none') expect(operation.security).toEqual([]);
    else expect(operation.security.length).toBeGreaterThan(0);
    for (const one of operation.security)
      expect(document.components.securitySchemes).toHaveProperty(Object.keys(one)[0] ?? '');
  });

  test('what changes something takes an Idempotency-Key, sign-up and login aside', () => {
    const without = ['/api/v1/users', '/api/v1/auth/login'];
    expect(route.idempotent !== undefined).toBe(route.method === 'POST' && !without.includes(route.path));
  });
});

test('every code of the error table is told by some call, or is the server’s own', () => {
  const told = new Set(routes.flatMap(declaredErrors));
  const own = ['METHOD_NOT_ALLOWED'];
  expect(Object.keys(ERRORS).filter((code) => !told.has(code as keyof typeof ERRORS) && !own.includes(code))).toEqual(
    [],
  );
});

test('the table has no two rows for one call; literal parts win over parameters', () => {
  const router = createRouter(routes);
  const path = (text: string) => router.find(text)?.routes.get('GET')?.path;
  expect(path('/api/v1/concerts/schedules')).toBe('/api/v1/concerts/schedules');
  expect(path('/api/v1/concerts/winter')).toBe('/api/v1/concerts/{concertId}');
  expect(path('/api/v1/concerts/schedules/room')).toBe('/api/v1/concerts/{concertId}/room');
  expect(router.find('/api/v1/concerts/winter/')).toBeNull();
  expect(() => createRouter([...routes, ...routes.slice(0, 1)])).toThrow('two routes');
});

test('the page shows every call and every error, and runs nothing', () => {
  const page = indexPage(document, {
    info: { description: 'a <b> & c' },
    components: { messages: { ticket: { summary: 'x' } }, schemas: {} },
  });
  for (const { path } of apiRoutes) expect(page).toContain(path);
  for (const code of Object.keys(ERRORS)) expect(page).toContain(`id="${code}"`);
  expect(page).toContain('a &#60;b&#62; &#38; c');
  expect(page).not.toMatch(/<script|onclick|javascript:/i);
});

test('a schema with a name is put among the components once, wherever it stands', () => {
  const Named = Type.Object({ a: Type.String() }, { $id: 'Named' });
  const made: Loose = openApiOf(
    [{ ...(routes[0] as (typeof routes)[number]), answers: { 200: Type.Array(Named), 201: Named } }],
    '1',
  );
  expect(made.components.schemas.Named).toEqual({
    type: 'object',
    required: ['a'],
    properties: { a: { type: 'string' } },
  });
});
