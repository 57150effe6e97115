/** Builds the pages into dist/web: hashed names, and each file compressed once for all who will load it. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { defineConfig, type Plugin } from 'vite';

const OUT = resolve(import.meta.dirname, '../../dist/web');

export default defineConfig({
  root: import.meta.dirname,
  base: './',
  logLevel: 'warn',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    outDir: OUT,
    emptyOutDir: true,
    target: 'es2022',
    // No inline data: the Content-Security-Policy and the cache know files.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rollupOptions: { input: ['index.html', 'console.html'].map((name) => resolve(import.meta.dirname, name)) },
  },
  plugins: [compress()],
});

/** `x.br` and `x.gz` beside each file that shrinks. */
function compress(): Plugin {
  return {
    name: 'compress',
    apply: 'build',
    closeBundle() {
      const files = readdirSync(OUT, { recursive: true, encoding: 'utf8' }).filter((name) =>
        /\.(html|js|css|svg)$/.test(name),
      );
      for (const file of files) {
        const bytes = readFileSync(join(OUT, file));
        writeFileSync(
          join(OUT, `${file}.br`),
          brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }),
        );
        writeFileSync(join(OUT, `${file}.gz`), gzipSync(bytes, { level: 9 }));
      }
    },
  };
}
