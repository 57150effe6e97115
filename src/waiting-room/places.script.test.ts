import { describe, expect, test } from 'vitest';
import { testRedis } from '../testing/connect.ts';
import { agePlace, enter, holdSeats, join, openRoom, placeOf } from '../testing/waiting-room.ts';
import { inspectPlaceScript } from './inspect-place.script.ts';
import { placesOfScript } from './places-of.script.ts';
import { readPlacesScript } from './read-places.script.ts';

const redis = await testRedis();

describe('read-places', () => {
  test('PLACES: records in the order of the question, null where there is none', async () => {
    const room = await openRoom(redis);
    const ann = await join(room, 'ann');
    const bob = await join(room, 'bob');
    const moreArgs = [bob.queueId, 'q_of_nobody', ann.queueId];
    const answer = await readPlacesScript.run(redis, { keys: room.keys, args: {}, moreArgs });
    expect(answer).toEqual({
      outcome: 'PLACES',
      nowMs: expect.any(Number),
      records: [await placeOf(room, bob.queueId), null, await placeOf(room, ann.queueId)],
    });
  });
});

describe('places-of', () => {
  test('ROOM: the live places, ACTIVE first', async () => {
    const room = await openRoom(redis, { reentry: 'supersede' });
    const ofAnn = { keys: room.keys, args: { user_id: 'ann' } };
    expect(await placesOfScript.run(redis, ofAnn)).toEqual({ outcome: 'ROOM', rows: [] });
    const active = await enter(room, 'ann');
    await join(room, 'bob');
    const waiting = await join(room, 'ann');
    expect(await placesOfScript.run(redis, ofAnn)).toMatchObject({
      rows: [
        { queueId: active.queueId, position: 0, record: { status: 'A' }, epoch: active.epoch, room: { waiting: 2 } },
        { queueId: waiting.queueId, position: 2, record: { status: 'W' } },
      ],
    });
    await agePlace(room, active.queueId);
    expect(await placesOfScript.run(redis, ofAnn)).toMatchObject({ rows: [{ queueId: waiting.queueId }] });
  });

  test('NONE', async () => {
    const room = await openRoom(redis);
    await redis.del(room.keys.room);
    expect(await placesOfScript.run(redis, { keys: room.keys, args: { user_id: 'ann' } })).toEqual({ outcome: 'NONE' });
  });
});

describe('inspect-place', () => {
  test('PLACE: the row of a ticket and the live holds of the user', async () => {
    const room = await openRoom(redis);
    const ann = await enter(room, 'ann');
    const bob = await join(room, 'bob');
    const { reservationId, deadline } = await holdSeats(room, { userId: 'ann', numbers: [1, 2], forMs: 60_000 });
    await holdSeats(room, { userId: 'ann', numbers: [3], forMs: -1 });
    const inspect = (queueId: string) =>
      inspectPlaceScript.run(redis, { keys: room.keys, args: { queue_id: queueId } });
    expect(await inspect(ann.queueId)).toMatchObject({
      row: { queueId: ann.queueId, position: 0, record: { userId: 'ann', status: 'A' } },
      holds: [{ reservationId, seats: 2, deadlineMs: deadline }],
    });
    expect(await inspect(bob.queueId)).toMatchObject({ row: { position: 1, record: { status: 'W' } }, holds: [] });
    expect(await inspect('q_of_nobody')).toEqual({ outcome: 'NONE' });
  });
});
