/** What stands against a rebuild. All of it is looked at before the first write, and told at once. */
import type { Pool } from 'pg';
import type { Catalogue } from '../concerts/catalogue.ts';
import { CONNECTION_NAME, onEveryMaster } from '../redis/client.ts';
import { directoryKeys } from '../redis/keys.ts';
import type { RedisClient } from '../redis/script.ts';
import { createReasons } from './rebuild-files.ts';
import { deadLetters, ledgerWallets, onsaleConnections, type Sale, sales } from './rebuild-ledger.ts';

/**
 * Refuses while servers or workers are connected, and a Redis that is not empty, unless it is one whose rebuild was
 * broken off: that goes on.
 */
export async function checkRedis(redis: RedisClient): Promise<{ begunAt: string | null }> {
  const reasons = createReasons();
  const begunAt = await redis.get(directoryKeys.rebuild);
  await onEveryMaster(redis, async (node) => {
    const own = `id=${String(await node.client('ID'))} `;
    const clients = String(await node.client('LIST')).split('\n');
    const others = clients.filter(
      (client) => client.includes(` name=${CONNECTION_NAME} `) && !client.startsWith(own),
    ).length;
    if (others > 0) reasons.add(`Redis has ${others} connections of servers and workers: stop every one of them`);
    const keys = await node.dbsize();
    if (begunAt !== null || keys === 0) return;
    const example = await node.randomkey();
    reasons.add(
      `Redis is not empty: ${keys} keys, ${example} for one. Only an empty one is rebuilt; where nothing in it is worth keeping, FLUSHALL empties it`,
    );
  });
  reasons.refuse();
  return { begunAt };
}

/**
 * Refuses books that contradict themselves or the catalogue; null is one that is refused itself. Answers how much there
 * is.
 */
export async function checkBooks(
  sql: Pool,
  { catalogues, currency }: { catalogues: ReadonlyMap<string, Catalogue> | null; currency: string },
): Promise<{ sales: number; wallets: number }> {
  const reasons = createReasons();
  const connections = await onsaleConnections(sql);
  if (connections > 0)
    reasons.add(`PostgreSQL has ${connections} connections of servers and workers: stop every one of them`);
  const letters = await deadLetters(sql);
  if (letters > 0) {
    reasons.add(
      `dead_letters holds ${letters} events that were never recorded: write what is true of them, then delete them there`,
    );
  }
  const count = { sales: 0, wallets: 0 };
  for await (const slice of sales(sql)) {
    count.sales += slice.length;
    for (const sale of slice) for (const reason of against(sale, catalogues, currency)) reasons.add(reason);
  }
  if (!catalogues && count.sales > 0)
    reasons.add(`${count.sales} payments will be compared with the catalogue when nothing is wrong with that`);
  for await (const slice of ledgerWallets(sql)) {
    count.wallets += slice.length;
    for (const { userId, last, count: entries, charged, posted, balance } of slice) {
      if (entries !== last) reasons.add(`wallet of ${userId}: ${entries} entries, but the last is number ${last}`);
      else if (charged - posted !== balance)
        reasons.add(`wallet of ${userId}: ${charged} charged - ${posted} paid, but its last balance is ${balance}`);
    }
  }
  reasons.refuse();
  return count;
}

function* against(
  { paymentId, concertId, scheduleId, seats, amount, currency }: Sale,
  catalogues: ReadonlyMap<string, Catalogue> | null,
  wanted: string,
): Generator<string> {
  if (currency !== wanted) yield `${paymentId} is in ${currency}, this installation's CURRENCY is ${wanted}`;
  const sum = seats.reduce((prices, { price }) => prices + price, 0);
  if (sum !== amount || seats.some((seat) => seat.scheduleId !== scheduleId))
    yield `${paymentId}: its seats in PostgreSQL do not make the payment`;
  if (!catalogues) return;
  const catalogue = catalogues.get(concertId);
  if (!catalogue) return yield `${paymentId}: the catalogue lacks its concert ${concertId}`;
  const schedule = catalogue.schedule(scheduleId);
  if (!schedule) return yield `${paymentId}: the catalogue of ${concertId} lacks its schedule ${scheduleId}`;
  for (const { seatId, price } of seats) {
    const found = schedule.seat(seatId)?.price;
    if (found === undefined)
      yield `${concertId} ${scheduleId}: the catalogue lacks seat ${seatId}, sold by ${paymentId}`;
    else if (found !== price)
      yield `${concertId} ${scheduleId}: seat ${seatId} was sold for ${price}, the catalogue says ${found}`;
  }
}
