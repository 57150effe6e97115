/** Sign-up and login; there are none where an outside identity provider says who is who. */
import { isRefusal, refuse } from '../../errors.ts';
import type { LoginInput, SignUpInput } from '../../users/shapes.ts';
import { ok } from '../answer.ts';
import type { HttpApp } from '../http-app.ts';

export async function signUp({ users, tokens }: HttpApp, { body }: { body: SignUpInput }) {
  if (tokens.outside) return refuse('NOT_FOUND');
  const user = await users.signUp(body);
  return isRefusal(user) ? user : ({ status: 201, body: user } as const);
}

export async function logIn({ users, tokens }: HttpApp, { body }: { body: LoginInput }) {
  if (tokens.outside) return refuse('NOT_FOUND');
  const login = await users.logIn(body);
  return isRefusal(login) ? login : ok(login);
}
