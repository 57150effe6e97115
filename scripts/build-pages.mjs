// Builds the pages (src/web/) into dist/web, from where the server reads them. Looked at by the set-up, under whatever
// Node the system has; run by it, under the project's own.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const PAGES_BUILD = fileURLToPath(import.meta.url);
const ROOT = fileURLToPath(new URL('..', import.meta.url));
const SOURCE = join(ROOT, 'src', 'web');
/** The pages speak to the server through it. */
const CLIENT = join(ROOT, 'src', 'client');
const STAMP = join(ROOT, 'dist', 'web', '.onsale-build');

/** What the build depends on. */
function fingerprint() {
  const hash = createHash('sha256')
    .update(readFileSync(PAGES_BUILD))
    .update(readFileSync(join(ROOT, 'package-lock.json')));
  for (const folder of [SOURCE, CLIENT]) {
    for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort()) {
      const path = join(folder, name);
      if (!name.endsWith('.test.ts') && statSync(path).isFile()) hash.update(name).update(readFileSync(path));
    }
  }
  return hash.digest('hex');
}

export function arePagesBuilt() {
  return existsSync(STAMP) && readFileSync(STAMP, 'utf8') === fingerprint();
}

async function build() {
  const { build: bundle } = await import('vite');
  const is = fingerprint();
  rmSync(STAMP, { force: true });
  await bundle({ configFile: join(SOURCE, 'vite.config.ts') });
  writeFileSync(STAMP, is);
}

if (import.meta.main) await build();
