// The few parts of a 64-bit little-endian ELF file that scripts/fit-uws.mjs reads: its undefined dynamic symbols and
// the library versions that they ask for. Plain JavaScript for Node 20: this runs before the project's own Node is
// installed.

const SECTION_DYNAMIC_SYMBOLS = 11;
const SECTION_VERSION_NEEDS = 0x6ffffffe;
const SECTION_SYMBOL_VERSIONS = 0x6fffffff;

/**
 * @typedef {{ offset: number, size: number, entrySize: number, link: number, info: number }} Section
 * @typedef {{ name: string, library: string, index: number, flagsOffset: number, weak: boolean }} VersionNeed
 * @typedef {{ name: string, nameOffset: number, entryOffset: number, versionOffset: number, version: number }}
 *   UndefinedSymbol
 */

/**
 * @param {Buffer} file
 * @param {number} at
 */
function text(file, at) {
  return file.toString('latin1', at, file.indexOf(0, at));
}

/**
 * @param {Buffer} file
 * @param {number} at
 * @returns {Section & { type: number }}
 */
function sectionAt(file, at) {
  return {
    type: file.readUInt32LE(at + 4),
    offset: Number(file.readBigUInt64LE(at + 24)),
    size: Number(file.readBigUInt64LE(at + 32)),
    link: file.readUInt32LE(at + 40),
    info: file.readUInt32LE(at + 44),
    entrySize: Number(file.readBigUInt64LE(at + 56)),
  };
}

/**
 * @param {Buffer} file
 * @param {Section} needs
 * @param {Section} strings
 * @returns {VersionNeed[]}
 */
function readVersionNeeds(file, needs, strings) {
  /** @type {VersionNeed[]} */
  const found = [];
  let library = needs.offset;
  for (let left = needs.info; left > 0; left--) {
    const libraryName = text(file, strings.offset + file.readUInt32LE(library + 4));
    let version = library + file.readUInt32LE(library + 8);
    for (let versions = file.readUInt16LE(library + 2); versions > 0; versions--) {
      found.push({
        name: text(file, strings.offset + file.readUInt32LE(version + 8)),
        library: libraryName,
        index: file.readUInt16LE(version + 6),
        flagsOffset: version + 4,
        weak: (file.readUInt16LE(version + 4) & 2) !== 0,
      });
      version += file.readUInt32LE(version + 12);
    }
    library += file.readUInt32LE(library + 12);
  }
  return found;
}

/**
 * @param {Buffer} file
 * @param {Section} symbols
 * @param {Section} strings
 * @param {Section} versions
 * @returns {UndefinedSymbol[]}
 */
function readUndefinedSymbols(file, symbols, strings, versions) {
  /** @type {UndefinedSymbol[]} */
  const found = [];
  for (let i = 1; i < symbols.size / symbols.entrySize; i++) {
    const entryOffset = symbols.offset + i * symbols.entrySize;
    if (file.readUInt16LE(entryOffset + 6) !== 0) continue; // defined in some section of this file
    const nameOffset = file.readUInt32LE(entryOffset);
    const versionOffset = versions.offset + i * 2;
    // The highest bit only marks a hidden version.
    const version = file.readUInt16LE(versionOffset) & 0x7fff;
    found.push({ name: text(file, strings.offset + nameOffset), nameOffset, entryOffset, versionOffset, version });
  }
  return found;
}

/**
 * @param {Buffer} file
 * @returns {{ needs: VersionNeed[], symbols: UndefinedSymbol[] }}
 * @throws {Error} where the file is no 64-bit little-endian ELF file with versioned dynamic symbols
 */
export function readElf(file) {
  if (file.length < 64 || file.readUInt32BE(0) !== 0x7f454c46 || file[4] !== 2 || file[5] !== 1) {
    throw new Error('not a 64-bit little-endian ELF file');
  }
  const table = Number(file.readBigUInt64LE(0x28));
  const sections = Array.from({ length: file.readUInt16LE(0x3c) }, (_, i) =>
    sectionAt(file, table + i * file.readUInt16LE(0x3a)),
  );
  const symbols = sections.find((section) => section.type === SECTION_DYNAMIC_SYMBOLS);
  const versions = sections.find((section) => section.type === SECTION_SYMBOL_VERSIONS);
  const needs = sections.find((section) => section.type === SECTION_VERSION_NEEDS);
  const strings = symbols && sections[symbols.link];
  if (!symbols || !versions || !needs || !strings) throw new Error('no versioned dynamic symbols');
  return {
    needs: readVersionNeeds(file, needs, strings),
    symbols: readUndefinedSymbols(file, symbols, strings, versions),
  };
}
