/** What a payment looks like to its user. Money is an integer in the smallest unit of the currency. */
import { type Static, Type } from "typebox";

export const PaymentInput = Type.Object(
	{ reservationId: Type.String({ minLength: 1, maxLength: 200 }) },
	{ additionalProperties: false },
);

const Time = Type.String({ format: "date-time" });

export const PaidSeat = Type.Object(
	{
		seatId: Type.String(),
		section: Type.String(),
		row: Type.String(),
		number: Type.Integer({ minimum: 1 }),
		price: Type.Integer({ minimum: 0, description: "as paid" }),
	},
	{ additionalProperties: false },
);

export const Payment = Type.Object(
	{
		paymentId: Type.String(),
		reservationId: Type.String(),
		userId: Type.String(),
		concertId: Type.String(),
		scheduleId: Type.String(),
		seats: Type.Array(PaidSeat),
		amount: Type.Integer({ minimum: 0 }),
		currency: Type.String({ description: "ISO 4217 code" }),
		balance: Type.Integer({
			description: "what was left to spend after this payment",
		}),
		status: Type.Literal("CONFIRMED"),
		paidAt: Time,
		recordedAt: Type.Union([Time, Type.Null()], {
			description: "when PostgreSQL had it; null until then",
		}),
	},
	{ additionalProperties: false },
);
export type Payment = Static<typeof Payment>;
