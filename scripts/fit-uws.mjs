// Fits the uWebSockets.js binary to a glibc older than the one that it was linked with (2.38; Debian 12 has 2.36,
// Ubuntu 22.04 2.35).
//
// All that asks for 2.38 are `__isoc23_strtol` and its kin, twins of the old functions that newer headers rename
// calls to. So each of these is pointed at the old name (`st_name` moved past the prefix) with the oldest version of
// libc, and the need for 2.38 is marked weak, which tells the loader to go on without it. Any other symbol of a newer
// glibc is refused: that one would really be missing. Nothing is done where the binary fits as it is, so a second run
// changes nothing.
import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readElf } from './elf.mjs';

const TWIN_PREFIX = '__isoc23_';
const WEAK_FLAG = 2; // VER_FLG_WEAK

/**
 * @param {string} version e.g. `GLIBC_2.2.5`
 * @returns {number[] | undefined} its numbers; undefined for what is no release of glibc (`GLIBC_PRIVATE`,
 *   `GLIBCXX_3.4`)
 */
function glibcNumbers(version) {
  const match = /^(?:GLIBC_)?(\d+(?:\.\d+)*)$/.exec(version);
  return match?.[1]?.split('.').map(Number);
}

/**
 * @param {number[]} left
 * @param {number[]} right
 */
function compare(left, right) {
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/**
 * @param {Buffer} original a shared library, left as it is
 * @param {string} glibc the running version, e.g. `2.36`
 * @returns {Buffer | undefined} a copy that loads with that glibc; undefined where the original does
 * @throws {Error} where it needs a function that the running glibc does not have
 */
export function fitElf(original, glibc) {
  const running = glibcNumbers(glibc);
  if (!running) throw new Error(`not a glibc version: ${glibc}`);
  const { needs, symbols } = readElf(original);
  const versions = needs
    .filter((need) => need.name.startsWith('GLIBC_'))
    .flatMap((need) => ({ ...need, numbers: glibcNumbers(need.name) ?? [] }))
    .filter((need) => need.numbers.length > 0)
    .sort((left, right) => compare(left.numbers, right.numbers));
  const tooNew = versions.filter((need) => !need.weak && compare(need.numbers, running) > 0);
  const oldest = versions.find((need) => need.library === 'libc.so.6');
  if (tooNew.length === 0) return undefined;

  const asking = symbols.filter((symbol) => tooNew.some((need) => need.index === symbol.version));
  const unknown = asking.filter((symbol) => !symbol.name.startsWith(TWIN_PREFIX)).map((symbol) => symbol.name);
  if (unknown.length > 0) throw new Error(`needs ${unknown.join(', ')}, which glibc ${glibc} does not have`);
  if (!oldest || tooNew.includes(oldest)) throw new Error('no older version of libc.so.6 to bind to');

  const copy = Buffer.from(original);
  for (const symbol of asking) {
    copy.writeUInt32LE(symbol.nameOffset + TWIN_PREFIX.length, symbol.entryOffset);
    copy.writeUInt16LE(oldest.index, symbol.versionOffset);
  }
  for (const need of tooNew) copy.writeUInt16LE(copy.readUInt16LE(need.flagsOffset) | WEAK_FLAG, need.flagsOffset);
  return copy;
}

/**
 * Fits a file in place: the copy is written beside it and takes its name in one step, so a process that has the old
 * one mapped keeps it and one that loads it now never sees half of it.
 * @param {string} file
 * @param {string} glibc
 * @returns {boolean} whether it had to be changed
 */
export function fitFile(file, glibc) {
  const fitted = fitElf(readFileSync(file), glibc);
  if (!fitted) return false;
  const copy = `${file}.${randomUUID()}`;
  try {
    writeFileSync(copy, fitted, { mode: statSync(file).mode });
    renameSync(copy, file);
  } finally {
    rmSync(copy, { force: true });
  }
  return true;
}

/** @returns {string | undefined} the running glibc's version; undefined on macOS, Windows and musl */
export function runningGlibc() {
  const report = /** @type {{ header: { glibcVersionRuntime?: string } }} */ (process.report.getReport());
  return report.header.glibcVersionRuntime;
}

/**
 * @param {string} root the project's folder
 * @param {string} abi module version of the Node that will load it (137 for Node 24)
 * @returns {'fitted' | 'fits'}
 */
export function fitUws(root, abi) {
  const glibc = runningGlibc();
  const file = join(root, 'node_modules', 'uWebSockets.js', `uws_${process.platform}_${process.arch}_${abi}.node`);
  if (!glibc || !existsSync(file)) return 'fits';
  return fitFile(file, glibc) ? 'fitted' : 'fits';
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  console.log(fitUws(fileURLToPath(new URL('..', import.meta.url)), process.argv[2] ?? '137'));
}
