/** What goes in and out of sign-up and login. */
import { type Static, Type } from 'typebox';

/** RFC 5321 allows 254 characters; whether mail reaches it, only mail can tell. */
const Email = Type.String({
  minLength: 3,
  maxLength: 254,
  pattern: '^[^\\s@]+@[^\\s@]+$',
  description: 'compared without case',
});
const Password = Type.String({ minLength: 8, maxLength: 128 });

export const SignUpInput = Type.Object(
  { email: Email, password: Password, name: Type.Optional(Type.String({ minLength: 1, maxLength: 100 })) },
  { additionalProperties: false },
);
export type SignUpInput = Static<typeof SignUpInput>;

export const SignedUp = Type.Object(
  { userId: Type.String({ description: 'opaque' }) },
  { additionalProperties: false },
);
export type SignedUp = Static<typeof SignedUp>;

/** A password that could not have been chosen is a wrong one, not a malformed request: no lower bound here. */
export const LoginInput = Type.Object(
  { email: Type.String({ minLength: 1, maxLength: 254 }), password: Type.String({ minLength: 1, maxLength: 128 }) },
  { additionalProperties: false },
);
export type LoginInput = Static<typeof LoginInput>;

export const LoggedIn = Type.Object(
  {
    accessToken: Type.String({ description: 'to be sent as `Authorization: Bearer <accessToken>`' }),
    tokenType: Type.Literal('Bearer'),
    expiresInSeconds: Type.Integer({ minimum: 1 }),
    userId: Type.String(),
  },
  { additionalProperties: false },
);
export type LoggedIn = Static<typeof LoggedIn>;
