/** What visitors and fans are shown of concerts, dates and seats. */
import { Compile } from 'typebox/compile';
import { describe, expect, test } from 'vitest';
import { isRefusal, type Refusal } from '../errors.ts';
import {
  createProcess,
  hall,
  newFan,
  openSale,
  scheduleInput,
  sell,
  tryHold,
} from '../reservations/holding.fixture.ts';
import { flush, testRedis } from '../testing/connect.ts';
import { enterDirectory } from './directory.ts';
import { importConcert } from './import.ts';
import { listSchedules } from './list-schedules.ts';
import { listConcerts, readConcert } from './read-concerts.ts';
import { schedulesWithSeats, seatsByDate, seatsOfSchedule } from './read-seats.ts';
import { Concert, SchedulesWithSeats, SeatMap, SeatMapsOfDate } from './shapes.ts';

const redis = await testRedis();
const process = createProcess(redis);
const seoul = { timeZone: 'Asia/Seoul' };

function good<T extends object>(answer: T | Refusal): T {
  if (isRefusal(answer)) throw new Error(answer.refused);
  return answer;
}

/** Three nights; the last begins on another day in Seoul than in UTC, the first is sold out. */
async function threeNights() {
  const schedules = [
    { ...scheduleInput('late', { seats: 3 }), startsAt: '2027-12-25T23:30:00Z' },
    { ...scheduleInput('small', { seats: 1 }), startsAt: '2027-12-24T10:00:00Z' },
    { ...scheduleInput('second', { seats: 2 }), startsAt: '2027-12-26T01:00:00Z' },
  ];
  const sale = await openSale(process, hall({ schedules, ...seoul }));
  const fan = await newFan(sale);
  const { concertId } = sale;
  const held = await holdIn('small', 'A-1-1');
  const late = await holdIn('late', 'A-1-2');
  await sell(sale, fan, held);
  await process.rooms.refresh(concertId);
  return { sale, concertId, late };

  async function holdIn(scheduleId: string, seatId: string): Promise<string> {
    return good(await tryHold(sale, fan, { seats: [seatId], scheduleId })).reservation.reservationId;
  }
}

describe('concerts', () => {
  test('one, with its schedules by time and the numbers of its room', async () => {
    const { concertId } = await threeNights();
    const concert = good(await readConcert(process, { concertId }));
    expect(Compile(Concert).Check(concert)).toBe(true);
    expect(concert).toMatchObject({
      concertId,
      title: 'A night',
      timeZone: 'Asia/Seoul',
      schedules: [
        {
          scheduleId: 'small',
          startsAt: '2027-12-24T10:00:00.000Z',
          date: '2027-12-24',
          totalSeats: 1,
          availableSeats: 0,
        },
        {
          scheduleId: 'late',
          startsAt: '2027-12-25T23:30:00.000Z',
          date: '2027-12-26',
          totalSeats: 3,
          availableSeats: 2,
        },
        {
          scheduleId: 'second',
          startsAt: '2027-12-26T01:00:00.000Z',
          date: '2027-12-26',
          totalSeats: 2,
          availableSeats: 2,
        },
      ],
      room: { concertId, seatsLeft: 4, active: 1 },
    });
    expect(await readConcert(process, { concertId: 'nowhere' })).toEqual({ refused: 'CONCERT_NOT_FOUND', members: {} });
  });

  test('all, page by page; one whose import was cut off is not among them', async () => {
    await flush(redis);
    const fresh = createProcess(redis);
    const ids: string[] = [];
    for (let i = 0; i < 3; i++) ids.push((await openSale(fresh, hall({ seats: 1 }))).concertId);
    await enterDirectory({ redis }, 'cut-off');
    const first = good(await listConcerts(fresh, { limit: 2, cursor: null }));
    const second = good(await listConcerts(fresh, { limit: 2, cursor: first.nextCursor }));
    expect([...first.concerts, ...second.concerts].map(({ concertId }) => concertId).toSorted()).toEqual(
      ids.toSorted(),
    );
    expect(second.nextCursor).toBeNull();
    expect(await listConcerts(fresh, { limit: 2, cursor: 'x' })).toMatchObject({ refused: 'VALIDATION' });
  });

  test('another concert under the same id after a loss of data is seen as such', async () => {
    const sale = await openSale(process, hall({ seats: 2 }));
    expect(good(await readConcert(process, sale)).schedules[0]?.totalSeats).toBe(2);
    await flush(redis);
    await importConcert(createProcess(redis), { concertId: sale.concertId, input: hall({ seats: 5 }), dryRun: false });
    await process.rooms.refresh(sale.concertId);
    expect(good(await readConcert(process, sale)).schedules[0]?.totalSeats).toBe(5);
  });
});

describe('schedules', () => {
  test('by day in the time zone of the concert, with seats left unless all are asked for', async () => {
    const { concertId } = await threeNights();
    const ids = async (call: { from?: string; to?: string; soldOut?: boolean }) => {
      const asked = { concertId, from: null, to: null, soldOut: false, ...call };
      return good(await listSchedules(process, asked)).schedules.map(({ scheduleId }) => scheduleId);
    };
    expect(await ids({})).toEqual(['late', 'second']);
    expect(await ids({ soldOut: true })).toEqual(['small', 'late', 'second']);
    expect(await ids({ soldOut: true, to: '2027-12-25' })).toEqual(['small']);
    expect(await ids({ soldOut: true, from: '2027-12-24', to: '2027-12-24' })).toEqual(['small']);
    expect(await ids({ from: '2027-12-26' })).toEqual(['late', 'second']);
    expect(await ids({ from: '2027-12-27' })).toEqual([]);
    const none = await listSchedules(process, { concertId: 'nowhere', from: null, to: null, soldOut: true });
    expect(none).toMatchObject({ refused: 'CONCERT_NOT_FOUND' });
  });
});

describe('seats', () => {
  test('of a schedule; 304 for a tag that is still true', async () => {
    const { concertId } = await threeNights();
    const call = { concertId, scheduleId: 'late', status: 'HELD' as const };
    const answer = good(await seatsOfSchedule(process, call));
    const map = JSON.parse(answer.json.toString()) as SeatMap;
    expect(Compile(SeatMap).Check(map)).toBe(true);
    expect(map).toMatchObject({ scheduleId: 'late', available: 2, seats: [{ seatId: 'A-1-2', status: 'HELD' }] });
    expect(answer.notModified).toBe(false);
    for (const ifNoneMatch of [answer.etag, `W/${answer.etag}`, `"a", ${answer.etag}`, '*']) {
      expect(await seatsOfSchedule(process, { ...call, ifNoneMatch })).toMatchObject({ notModified: true });
    }
    expect(await seatsOfSchedule(process, { ...call, status: null, ifNoneMatch: answer.etag })).toMatchObject({
      notModified: false,
    });
    const nowhere = [
      [{ ...call, scheduleId: 'd9' }, 'SCHEDULE_NOT_FOUND'],
      [{ ...call, concertId: 'nowhere' }, 'CONCERT_NOT_FOUND'],
    ] as const;
    for (const [asked, refused] of nowhere)
      expect(await seatsOfSchedule(process, asked)).toEqual({ refused, members: {} });
  });

  test('of all schedules on a day', async () => {
    const { concertId } = await threeNights();
    const read = async (date: string) =>
      JSON.parse(good(await seatsByDate(process, { concertId, date, status: 'AVAILABLE' })).json.toString());
    const day = await read('2027-12-26');
    expect(Compile(SeatMapsOfDate).Check(day)).toBe(true);
    expect(day).toMatchObject({
      schedules: [
        { scheduleId: 'late', seats: [{ seatId: 'A-1-1' }, { seatId: 'A-1-3' }] },
        { scheduleId: 'second', seats: [{ seatId: 'A-1-1' }, { seatId: 'A-1-2' }] },
      ],
    });
    expect(await read('2027-12-24')).toMatchObject({ schedules: [{ scheduleId: 'small', available: 0, seats: [] }] });
    expect(await read('2027-12-25')).toEqual({ schedules: [] });
    expect(await seatsByDate(process, { concertId: 'nowhere', date: '2027-12-24', status: null })).toMatchObject({
      refused: 'CONCERT_NOT_FOUND',
    });
  });

  test('dates and seats in one call: the schedules with seats left, each with all of its seats', async () => {
    const { concertId } = await threeNights();
    const answer = JSON.parse(good(await schedulesWithSeats(process, { concertId })).json.toString());
    expect(Compile(SchedulesWithSeats).Check(answer)).toBe(true);
    expect(answer).toMatchObject({
      schedules: [
        {
          scheduleId: 'late',
          date: '2027-12-26',
          totalSeats: 3,
          availableSeats: 2,
          seats: [{}, { status: 'HELD' }, {}],
        },
        { scheduleId: 'second', totalSeats: 2, availableSeats: 2, seats: [{}, {}] },
      ],
    });
    expect(await schedulesWithSeats(process, { concertId: 'nowhere' })).toMatchObject({ refused: 'CONCERT_NOT_FOUND' });
  });
});
