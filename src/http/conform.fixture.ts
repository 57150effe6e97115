/** Holds answers against what the route table declares: status, body, and which refusals a call may give. */
import { Compile } from 'typebox/compile';
import { expect } from 'vitest';
import { declaredErrors } from './declared.ts';
import type { Answer } from './http.fixture.ts';
import { createRouter } from './router.ts';
import type { Method } from './route.ts';
import { routes } from './routes.ts';

const router = createRouter(routes);

/** Fails where the answer is not one that the documents tell of. */
export function expectDeclared(method: string, pathAndQuery: string, answer: Answer): void {
  const [path = ''] = pathAndQuery.split('?');
  const route = router.find(path)?.routes.get(method as Method);
  if (!route) return;
  const call = `${method} ${route.path} answered ${answer.status}`;
  if (answer.status >= 400) {
    expect(answer.headers.get('content-type'), call).toBe('application/problem+json');
    expect(declaredErrors(route), call).toContain(answer.body.code);
    if (answer.body.code !== 'NOT_ACTIVE') expect(answer.body.status, call).toBe(answer.status);
    expect(answer.body, call).toMatchObject({
      title: expect.any(String),
      detail: expect.any(String),
    });
    return;
  }
  const declared = route.answers[answer.status];
  expect(declared, call).toBeDefined();
  if (declared === null || declared === undefined) expect(answer.body, call).toBe('');
  else if (typeof declared === 'string') expect(answer.headers.get('content-type'), call).toBe(declared);
  else expect([...Compile(declared).Errors(answer.body)], call).toEqual([]);
}
