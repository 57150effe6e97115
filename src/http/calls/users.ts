/** Sign-up and login of the built-in accounts. */
import { isRefusal } from '../../errors.ts';
import type { LoginInput, SignUpInput } from '../../users/shapes.ts';
import { ok } from '../answer.ts';
import type { HttpApp } from '../http-app.ts';

export async function signUp({ users }: HttpApp, { body }: { body: SignUpInput }) {
  const user = await users.signUp(body);
  return isRefusal(user) ? user : ({ status: 201, body: user } as const);
}

export async function logIn({ users }: HttpApp, { body }: { body: LoginInput }) {
  const login = await users.logIn(body);
  return isRefusal(login) ? login : ok(login);
}
