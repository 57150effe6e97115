// Builds `onsale/client` into dist/client: one module, and its types. Looked at by the set-up, under whatever Node the
// system has; run by it, under the project's own.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SetupError, run } from './run.mjs';

export const CLIENT_BUILD = fileURLToPath(import.meta.url);
const ROOT = fileURLToPath(new URL('..', import.meta.url));
const SOURCE = join(ROOT, 'src', 'client');
const BUILT = join(ROOT, 'dist', 'client');
const STAMP = join(BUILT, '.onsale-build');

/** What the build depends on. */
function fingerprint() {
  const hash = createHash('sha256').update(readFileSync(CLIENT_BUILD));
  for (const name of readdirSync(SOURCE).sort())
    if (!/\.(test|fixture)\.ts$/.test(name)) hash.update(name).update(readFileSync(join(SOURCE, name)));
  return hash.digest('hex');
}

export function isClientBuilt() {
  return existsSync(STAMP) && readFileSync(STAMP, 'utf8') === fingerprint();
}

async function build() {
  const { build: bundle } = await import('vite');
  const is = fingerprint();
  rmSync(STAMP, { force: true });
  await bundle({
    root: ROOT,
    configFile: false,
    publicDir: false,
    logLevel: 'error',
    build: {
      outDir: BUILT,
      target: 'es2022',
      lib: { entry: join(SOURCE, 'index.ts'), formats: ['es'], fileName: 'index' },
    },
  });
  const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
  const what = 'the types of the client were not built';
  await run(process.execPath, [tsc, '-p', SOURCE], { what, timeoutMs: 60_000 });
  writeFileSync(STAMP, is);
}

if (import.meta.main) {
  try {
    await build();
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
}
