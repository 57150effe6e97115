/** What a wallet looks like to its user. Money is an integer in the smallest unit of the installation's currency. */
import { type Static, Type } from 'typebox';
import { LIMITS } from '../limits.ts';

const closed = { additionalProperties: false };
const Money = (description: string) => Type.Integer({ description });

export const Balance = Type.Object(
  {
    userId: Type.String(),
    balance: Money('what can be spent now; money that a payment in progress has set aside is not in it'),
    currency: Type.String({ description: 'ISO 4217 code' }),
  },
  { $id: 'Balance', ...closed },
);
export type Balance = Static<typeof Balance>;

export const Charge = Type.Object(
  {
    ...Balance.properties,
    chargeId: Type.String({
      description: 'opaque; the `reference` of the history entry',
    }),
  },
  { $id: 'Charge', ...closed },
);
export type Charge = Static<typeof Charge>;

/** The bounds of `amount` are not checked by the schema: they have a refusal of their own, INVALID_AMOUNT. */
export const ChargeInput = Type.Object(
  {
    amount: Type.Optional(
      Type.Unknown({
        description: `an integer, ${LIMITS.CHARGE_MIN} to ${LIMITS.CHARGE_MAX}, else INVALID_AMOUNT`,
      }),
    ),
  },
  { $id: 'ChargeInput', ...closed },
);

export const Entry = Type.Object(
  {
    entryId: Type.String({ description: 'opaque' }),
    kind: Type.Union([Type.Literal('CHARGE'), Type.Literal('PAYMENT')]),
    amount: Money('negative for a PAYMENT'),
    balance: Money('after this entry, money set aside by payments in progress included'),
    at: Type.String({ format: 'date-time' }),
    reference: Type.String({ description: 'chargeId or paymentId' }),
  },
  { $id: 'Entry', ...closed },
);
export type Entry = Static<typeof Entry>;

export const History = Type.Object(
  {
    entries: Type.Array(Entry, { description: 'newest first' }),
    nextCursor: Type.Union([Type.String(), Type.Null()], {
      description: 'null at the end; a page may be short of `limit` before it',
    }),
  },
  { $id: 'History', ...closed },
);
export type History = Static<typeof History>;
