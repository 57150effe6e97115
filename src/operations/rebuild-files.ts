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
  for (const name of kept) {
    const summary = await readSummary(join(folder, name));
    if (summary === null || summary === 'damaged' || summary.accounts <= accounts) continue;
    throw new RebuildRefused([
      `${file} has ${accounts} accounts, the older ${name} beside it ${summary.accounts}: name the one to take with --accounts`,
    ]);
  }
}

/** Input of each concert by its id. */
export type CatalogueInputs = ReadonlyMap<string, ConcertInput>;

/** Reads all; throws RebuildRefused with everything that is wrong. */
export function readCatalogue({ catalogue }: RebuildFiles, dataDir: string): CatalogueInputs {
  const inputs = new Map<string, ConcertInput>();
  const reasons: string[] = [];
  const own = concertBackups(dataDir);
  const named = catalogue.length > 0 ? catalogue : existsSync(own) ? [own] : [];
  for (const file of named.flatMap(filesIn)) {
    const concertId = basename(file, '.json');
    const read = readConcert(file);
    if (!isConcertId.Check(concertId)) reasons.push(`${file}: its name is not <concert id>.json`);
    else if (inputs.has(concertId)) reasons.push(`${file}: there is another file of that name`);
    else if ('fault' in read) reasons.push(`${file}: ${read.fault}`);
    else inputs.set(concertId, read.input);
  }
  if (reasons.length > 0) throw new RebuildRefused(reasons);
  return inputs;
}

const isConcertId = Compile(ConcertId);
const isConcertInput = Compile(ConcertInput);

function filesIn(path: string): string[] {
  if (!existsSync(path)) throw new RebuildRefused([`${path} is not there`]);
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

/** The concerts as an import into an empty Redis would make them. Throws RebuildRefused where it would be refused. */
export function cataloguesOf(inputs: CatalogueInputs, currency: string): Map<string, Catalogue> {
  const catalogues = new Map<string, Catalogue>();
  const reasons: string[] = [];
  for (const [concertId, input] of inputs) {
    const checked = checkInput(input, currency);
    if ('faults' in checked)
      reasons.push(...checked.faults.map(({ path, message }) => `${concertId}${path} ${message}`));
    else catalogues.set(concertId, catalogueOf(concertId, compare(null, checked).next));
  }
  if (reasons.length > 0) throw new RebuildRefused(reasons);
  return catalogues;
}
