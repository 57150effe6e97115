// Builds `onsale/client` into dist/client: one module, and its types. Looked at by the set-up, under whatever Node the
// system has; run by it, under the project's own.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SetupError, run } from './run.mjs';
import { createStamp } from './stamp.mjs';

export const CLIENT_BUILD = fileURLToPath(import.meta.url);
const ROOT = fileURLToPath(new URL('..', import.meta.url));
const SOURCE = join(ROOT, 'src', 'client');
const BUILT = join(ROOT, 'dist', 'client');

const stamp = createStamp(join(BUILT, '.onsale-build'), [CLIENT_BUILD, SOURCE]);
export const isClientBuilt = stamp.isFresh;

async function build() {
  const { build: bundle } = await import('vite');
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
}

if (import.meta.main) {
  try {
    await stamp.around(build);
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
}
