/** The concert of a round: small and short-lived, so that its fans meet each other and its deadlines pass. */
import { concertInput } from '../../../../src/testing/fan.ts';
import type { Hall } from './call.ts';

const SEATS_A_BENCH = 3;
const SEATS_A_SCHEDULE = 90;
const SCHEDULES = 8;
const SECONDS = { claim: 2, session: 4, hold: 1 };
const PRICE = 1_000;

export interface RoundHall extends Hall {
  input: object;
  /** `<schedule> <bench>` */
  benches: readonly string[];
}

/** `fans`: three quarters of them may be inside at once. */
export function buildHall(fans: number): RoundHall {
  const schedules = Array.from({ length: SCHEDULES }, (_, day) => `d${day}`);
  const capacity = Math.ceil(fans * 0.75);
  const benches = SEATS_A_SCHEDULE / SEATS_A_BENCH;
  return {
    input: concertInput({
      seats: SEATS_A_SCHEDULE,
      schedules,
      price: PRICE,
      seatLimit: 8,
      holdSeconds: SECONDS.hold,
      room: { capacity, sessionSeconds: SECONDS.session, claimSeconds: SECONDS.claim },
    }),
    claimMs: SECONDS.claim * 1000,
    sessionMs: SECONDS.session * 1000,
    holdMs: SECONDS.hold * 1000,
    capacity,
    seatPrice: PRICE,
    benches: Array.from({ length: benches }, (_, bench) => schedules.map((id) => `${id} ${bench}`)).flat(),
    benchOf: (seatId) => String(Math.floor((Number(seatId.split('-')[2]) - 1) / SEATS_A_BENCH)),
    seatsOfBench: (name) =>
      Array.from(
        { length: SEATS_A_BENCH },
        (_, seat) => `A-1-${Number(name.split(' ')[1]) * SEATS_A_BENCH + seat + 1}`,
      ),
  };
}
