import { expect, test } from 'vitest';
import { isRefusal } from '../errors.ts';
import { directoryKeys } from '../redis/keys.ts';
import { testRedis } from '../testing/connect.ts';
import { redisNow } from '../testing/waiting-room.ts';
import { enterDirectory, listConcertIds, pageOfConcertIds } from './directory.ts';
import { enterDirectoryScript } from './enter-directory.script.ts';

const redis = await testRedis();
const deps = { redis };

test('ENTERED: once, by the time of the first import; listed in that order, page by page', async () => {
  const ids = ['c', 'a', 'b', 'e', 'd'];
  const before = await redisNow(redis);
  for (const id of ids) {
    await enterDirectory(deps, id);
    await redis.zadd(directoryKeys.concerts, 'XX', before + ids.indexOf(id), id);
  }
  const again = await enterDirectoryScript.run(redis, { keys: directoryKeys, args: { concert_id: 'c' } });
  expect(again).toEqual({ outcome: 'ENTERED' });
  expect(await listConcertIds(deps)).toEqual(ids);

  const pages: string[][] = [];
  let cursor: string | null = null;
  do {
    const page: Awaited<ReturnType<typeof pageOfConcertIds>> = await pageOfConcertIds(deps, { limit: 2, cursor });
    if (isRefusal(page)) throw new Error(page.refused);
    pages.push(page.concertIds);
    cursor = page.nextCursor;
  } while (cursor !== null);
  expect(pages).toEqual([['c', 'a'], ['b', 'e'], ['d']]);
  expect(await pageOfConcertIds(deps, { limit: 5, cursor: null })).toEqual({ concertIds: ids, nextCursor: null });
  expect(await pageOfConcertIds(deps, { limit: 5, cursor: 'x' })).toMatchObject({ refused: 'VALIDATION' });
});
