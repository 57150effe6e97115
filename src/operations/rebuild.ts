/**
 * Rebuilds a Redis that was lost: from PostgreSQL, the catalogue and the accounts backup into an empty one. What is in
 * Redis alone does not come back: places in waiting rooms, holds, what was answered and not yet recorded,
 * Idempotency-Keys, accounts made after their backup. Everything is looked at before the first write; from then on a
 * key keeps servers and workers from starting, until the audit is clean. Broken off, it goes on when it is called
 * again: each of its writes is safe to repeat.
 */
import type { Pool } from 'pg';
import { importConcert, type ImportDeps } from '../concerts/import.ts';
import { isRefusal } from '../errors.ts';
import { directoryKeys } from '../redis/keys.ts';
import { auditOnce } from './audit-pass.ts';
import { keepFacts } from './installation.ts';
import { checkBooks, checkRedis } from './rebuild-checks.ts';
import { allOf, type CatalogueInputs, findAccounts, readCatalogue, type RebuildFiles } from './rebuild-files.ts';
import { putBackAccounts, putBackSales, putBackWallets, readCatalogues } from './rebuild-into-redis.ts';
import { mendLedger } from './rebuild-mend.ts';

export interface RebuildDeps extends ImportDeps {
  sql: Pool;
  /** where backups are */
  dataDir: string;
  /** told of each step, and of what a human should know */
  tell(line: string): void;
}

/** Throws RebuildRefused before the first write; another error breaks it off. */
export async function rebuild(deps: RebuildDeps, files: RebuildFiles): Promise<void> {
  const { redis, config, tell } = deps;
  const { accounts, inputs, begunAt, books } = await look(deps, files);
  tell(
    `${accounts?.accounts ?? 'no'} accounts in ${accounts?.file ?? 'a backup'}; ${inputs.size} concerts in the catalogue`,
  );
  tell(
    `PostgreSQL has ${books.sales} payments and the entries of ${books.wallets} wallets; they agree with the catalogue`,
  );

  if (begunAt === null) await redis.set(directoryKeys.rebuild, new Date().toISOString());
  else tell(`goes on with the rebuild that began at ${begunAt}`);
  await keepFacts(redis, config);
  await mend(deps);
  await importAll(deps, inputs);
  await putBackSales(deps, await readCatalogues(redis, [...inputs.keys()]));
  await putBackWallets(deps);
  if (accounts) await putBackAccounts(deps, accounts.file);
  await finish(deps);
}

/** What it goes by. Throws one RebuildRefused with everything that stands against it. */
async function look({ redis, sql, config: { currency }, dataDir }: RebuildDeps, files: RebuildFiles) {
  const read = readCatalogue(files, { dataDir, currency });
  const inBooks = read.then(
    ({ catalogues }) => checkBooks(sql, { catalogues, currency }),
    () => checkBooks(sql, { catalogues: null, currency }),
  );
  const [{ begunAt }, accounts, { inputs }, books] = await allOf([
    checkRedis(redis),
    findAccounts(files, dataDir),
    read,
    inBooks,
  ]);
  return { accounts, inputs, begunAt, books };
}

const SHOWN = 20;

async function mend({ sql, tell }: RebuildDeps): Promise<void> {
  const { paid, provenCharges, givenBack } = await mendLedger(sql);
  const told: [string[], string][] = [
    [paid, 'payments were recorded without their money, which has left the wallets now'],
    [provenCharges, 'charges were lost, and are entered as far as payments prove them'],
    [
      givenBack,
      'payments were lost whose money had left the wallets: it is given back, their seats are for sale again',
    ],
  ];
  for (const [items, what] of told) tellSome(tell, items, what);
}

function tellSome(tell: (line: string) => void, items: readonly string[], what: string): void {
  if (items.length === 0) return;
  tell(`${items.length} ${what}:`);
  for (const item of items.slice(0, SHOWN)) tell(`  ${item}`);
  if (items.length > SHOWN) tell(`  and ${items.length - SHOWN} more: see the newest rows of wallet_entries`);
}

async function importAll(deps: RebuildDeps, inputs: CatalogueInputs): Promise<void> {
  for (const [concertId, input] of inputs) {
    const done = await importConcert(deps, { concertId, input, dryRun: false });
    if (isRefusal(done)) throw new Error(`concert ${concertId} cannot be imported: ${JSON.stringify(done)}`);
  }
  deps.tell(`${inputs.size} concerts are imported; every room has a new epoch, in which nobody has a place`);
}

async function finish({ redis, sql, tell }: RebuildDeps): Promise<void> {
  const findings = await auditOnce({ redis, sql, graceMs: 0 });
  const differences = findings.differences();
  if (differences.length > 0) {
    tellSome(
      tell,
      differences.map(({ kind, subject, detail }) => `${kind} ${subject}: ${detail}`),
      'differences in the audit',
    );
    throw new Error(`the books differ, and nothing starts on this Redis; look into them, and rebuild again`);
  }
  await redis.del(directoryKeys.rebuild);
  const { seatsSold, charges, payments, wallets } = findings.totals;
  tell(`audit clean: ${seatsSold} seats sold; ${charges} charged = ${payments} paid + ${wallets} in wallets`);
  tell('not restored: places and holds, what was answered and not yet recorded, Idempotency-Keys. Servers may start');
}
