/** What is chosen on the map, what became of it, and the attempt to hold it. */
import { useEffect, useState } from 'preact/hooks';
import type { WaitingRoom } from '../../client/waiting-room.ts';
import type { Concert, Ticket } from '../../client/index.ts';
import { onsale, sentenceOf } from '../api.ts';
import { hallOf, type Hall, nearestBlock, type SeatOnMap } from '../seat-map/hall.ts';
import { useRepeat } from './slow.tsx';

export interface ChooserProps {
  concert: Concert;
  room: WaitingRoom;
  ticket: Ticket;
  scheduleId: string;
  seats: readonly SeatOnMap[];
}

/** Where the seats are changes only with an import: then there are others, or other prices. */
export function useHall(seats: readonly SeatOnMap[]): Hall {
  const [kept, keep] = useState(() => ({ seats, hall: hallOf(seats) }));
  const same = kept.seats.length === seats.length && kept.seats.every((seat, i) => seat.seatId === seats[i]?.seatId);
  const current = same ? kept : { seats, hall: hallOf(seats) };
  useEffect(() => {
    if (!same) keep(current);
  });
  return current.hall;
}

export interface Loss {
  seats: readonly SeatOnMap[];
  offer: readonly SeatOnMap[] | null;
}

/** What is chosen, within the limit and while it is free, and what became of the attempt to hold it. */
export function useChoice({ concert, room, ticket, scheduleId, seats }: ChooserProps, hall: Hall) {
  const [chosen, setChosen] = useState<readonly string[]>([]);
  const [price, setPrice] = useState<number | null>(null);
  const [loss, setLoss] = useState<Loss | null>(null);
  const [busy, setBusy] = useState(false);
  const [fault, setFault] = useState('');
  const [overLimit, setOverLimit] = useState(false);
  const { repeat, isSlow } = useRepeat();
  const isFree = (seatId: string) => seats[hall.indexOf.get(seatId) ?? -1]?.status === 'AVAILABLE';
  const still = chosen.filter(isFree);
  const lose = (seatIds: readonly string[], rest: readonly string[]) => {
    take(rest);
    setLoss(lossOf(seatIds, { hall, seats, count: Math.max(1, chosen.length), price }));
  };

  // While a hold is asked for, its answer says what became of the seats: some may be taken for oneself.
  useEffect(() => {
    if (busy || still.length === chosen.length) return;
    lose(
      chosen.filter((seatId) => !isFree(seatId)),
      still,
    );
  });

  function take(seatIds: readonly string[]): void {
    setLoss(null);
    setFault('');
    setOverLimit(false);
    setChosen(seatIds);
  }

  function toggle(seatId: string): void {
    if (still.includes(seatId)) take(still.filter((one) => one !== seatId));
    else if (still.length >= concert.seatLimit) setOverLimit(true);
    else if (isFree(seatId)) take([...still, seatId]);
  }

  async function hold(): Promise<void> {
    setBusy(true);
    setFault('');
    const answer = await repeat((idempotencyKey) =>
      onsale.hold({ scheduleId, seatIds: [...still] }, { queueToken: ticket.token, idempotencyKey }),
    );
    setBusy(false);
    if (answer.ok) return room.keep(answer.body);
    if (answer.code !== 'SEAT_TAKEN') return setFault(sentenceOf(answer, concert.currency));
    lose(answer.problem.seatIds, []);
  }

  return { still, price, setPrice, loss, busy, fault, isSlow, overLimit, toggle, take, hold };
}

function lossOf(
  lost: readonly string[],
  { hall, seats, count, price }: { hall: Hall; seats: readonly SeatOnMap[]; count: number; price: number | null },
): Loss {
  const indexes = lost.flatMap((seatId) => hall.indexOf.get(seatId) ?? []);
  const isFree = (index: number) => {
    const seat = seats[index];
    return seat?.status === 'AVAILABLE' && !lost.includes(seat.seatId) && (price === null || seat.price === price);
  };
  const seatsAt = (those: readonly number[]) => those.flatMap((index) => seats[index] ?? []);
  const block = nearestBlock(hall, indexes, { count, isFree });
  return { seats: seatsAt(indexes), offer: block && seatsAt(block) };
}
