// Builds the pages (src/web/) into dist/web, from where the server reads them. Looked at by the set-up, under whatever
// Node the system has; run by it, under the project's own.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createStamp } from './stamp.mjs';

export const PAGES_BUILD = fileURLToPath(import.meta.url);
const ROOT = fileURLToPath(new URL('..', import.meta.url));
const SOURCE = join(ROOT, 'src', 'web');

// The pages speak to the server through the client.
const sources = [PAGES_BUILD, join(ROOT, 'package-lock.json'), SOURCE, join(ROOT, 'src', 'client')];
const stamp = createStamp(join(ROOT, 'dist', 'web', '.onsale-build'), sources);
export const arePagesBuilt = stamp.isFresh;

async function build() {
  const { build: bundle } = await import('vite');
  await bundle({ configFile: join(SOURCE, 'vite.config.ts') });
}

if (import.meta.main) await stamp.around(build);
