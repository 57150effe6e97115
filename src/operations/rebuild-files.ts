/** The files that a rebuild takes: the accounts backup and the catalogue. Refuses those that are not what they should be. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { Compile } from 'typebox/compile';
import { concertBackups } from '../concerts/backup.ts';
import { type Catalogue, catalogueOf } from '../concerts/catalogue.ts';
import { checkInput } from '../concerts/check-input.ts';
import { compare } from '../concerts/compare.ts';
import { ConcertId, ConcertInput } from '../concerts/shapes.ts';
import { backupFile, readSummary } from '../users/backup.ts';

export interface RebuildFiles {
  /** '': the backup in the data folder, where there is one */
  accounts: string;
  /** files `<concert id>.json` and folders of such; none: the backups in the data folder */
  catalogue: readonly string[];
}

/** Something that a human has to decide or mend first; nothing has been written. */
export class RebuildRefused extends Error {
  readonly reasons: readonly string[];

  constructor(reasons: readonly string[]) {
    super(reasons.join('\n'));
    this.reasons = reasons;
  }
}

const REASONS_MAX = 20;

/** Reasons of one check against a rebuild: the first ones, and how many more there are. */
export function createReasons() {
  const reasons: string[] = [];
  let more = 0;
  return {
    add: (reason: string) => void (reasons.length < REASONS_MAX ? reasons.push(reason) : more++),
    refuse() {
      if (more > 0) reasons.push(`and ${more} more`);
      if (reasons.length > 0) throw new RebuildRefused(reasons);
    },
  };
}

/** What the checks answer. Where some refuse, throws one RebuildRefused with the reasons of all, in their order. */
export async function allOf<Checks extends readonly unknown[] | []>(
  checks: Checks,
): Promise<{ -readonly [Check in keyof Checks]: Awaited<Checks[Check]> }> {
  const reasons: string[] = [];
  for (const check of await Promise.allSettled(checks)) {
    if (check.status === 'fulfilled') continue;
    if (!(check.reason instanceof RebuildRefused)) throw check.reason;
    reasons.push(...check.reason.reasons);
  }
  if (reasons.length > 0) throw new RebuildRefused(reasons);
  return Promise.all(checks);
}

/** The accounts backup, whole; null where there is none and none was named. */
export async function findAccounts(
  { accounts }: RebuildFiles,
  dataDir: string,
): Promise<{ file: string; accounts: number } | null> {
  const file = accounts || backupFile(dataDir);
  const summary = await readSummary(file);
  if (summary === 'damaged')
    throw new RebuildRefused([`${file} is damaged: its last line does not bear out the others. Name another one.`]);
  if (accounts === '') await refuseLesserBackup(file, summary?.accounts ?? 0);
  if (summary) return { file, accounts: summary.accounts };
  if (accounts !== '') throw new RebuildRefused([`${file} is not there`]);
  return null;
}

/** A worker that met the empty Redis has backed up what it found there, and kept the older backup beside it. */
async function refuseLesserBackup(file: string, accounts: number): Promise<void> {
  const folder = dirname(file);
  const kept = existsSync(folder) ? readdirSync(folder).filter((name) => /^accounts\.jsonl\.\d+$/.test(name)) : [];
  const reasons = createReasons();
  for (const name of kept) {
    const summary = await readSummary(join(folder, name));
    if (summary === null || summary === 'damaged' || summary.accounts <= accounts) continue;
    reasons.add(
      `${file} has ${accounts} accounts, the older ${name} beside it ${summary.accounts}: name the one to take with --accounts`,
    );
  }
  reasons.refuse();
}

/** Input of each concert by its id. */
export type CatalogueInputs = ReadonlyMap<string, ConcertInput>;

/** Throws RebuildRefused with everything that is wrong. */
function readInputs({ catalogue }: RebuildFiles, dataDir: string): CatalogueInputs {
  const inputs = new Map<string, ConcertInput>();
  const reasons = createReasons();
  const own = concertBackups(dataDir);
  const named = catalogue.length > 0 ? catalogue : existsSync(own) ? [own] : [];
  for (const path of named) if (!existsSync(path)) reasons.add(`${path} is not there`);
  for (const file of named.flatMap(filesIn)) {
    const concertId = basename(file, '.json');
    const read = readConcert(file);
    if (!isConcertId.Check(concertId)) reasons.add(`${file}: its name is not <concert id>.json`);
    else if (inputs.has(concertId)) reasons.add(`${file}: there is another file of that name`);
    else if ('fault' in read) reasons.add(`${file}: ${read.fault}`);
    else inputs.set(concertId, read.input);
  }
  reasons.refuse();
  return inputs;
}

const isConcertId = Compile(ConcertId);
const isConcertInput = Compile(ConcertInput);

function filesIn(path: string): string[] {
  if (!existsSync(path)) return [];
  if (!statSync(path).isDirectory()) return [path];
  const names = readdirSync(path).filter((name) => name.endsWith('.json'));
  return names.sort().map((name) => join(path, name));
}

function readConcert(file: string): { input: ConcertInput } | { fault: string } {
  let input: unknown;
  try {
    input = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    return { fault: String(error) };
  }
  if (isConcertInput.Check(input)) return { input };
  const [first] = isConcertInput.Errors(input);
  return { fault: `${first?.instancePath ?? ''} ${first?.message ?? 'is no concert'}`.trim() };
}

/** The concerts, also as an import into an empty Redis would make them. Throws RebuildRefused where it would be refused. */
export async function readCatalogue(
  files: RebuildFiles,
  { dataDir, currency }: { dataDir: string; currency: string },
): Promise<{ inputs: CatalogueInputs; catalogues: ReadonlyMap<string, Catalogue> }> {
  const inputs = readInputs(files, dataDir);
  const catalogues = new Map<string, Catalogue>();
  const reasons = createReasons();
  for (const [concertId, input] of inputs) {
    const checked = checkInput(input, currency);
    if ('faults' in checked)
      for (const { path, message } of checked.faults) reasons.add(`${concertId}${path} ${message}`);
    else catalogues.set(concertId, catalogueOf(concertId, compare(null, checked).next));
  }
  reasons.refuse();
  return { inputs, catalogues };
}
