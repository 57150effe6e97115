/**
 * The script that draws the documents, as it lies in node_modules: one file, which needs nothing else (its package
 * names React and others as peers; they are bundled). Read and compressed when first asked for: 2.3 MB are 0.6 MB then,
 * and 150 ms of a thread of the pool.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import type { Asset } from './assets.ts';

/** Its name changes with its bytes, so that it may be kept for good. */
export interface Script {
  name: string;
  asset: Asset;
}

let script: Promise<Script> | null = null;

/** Once for the process; tried again where it failed. */
export function redoc(): Promise<Script> {
  script ??= load().catch((error: unknown) => {
    script = null;
    throw error;
  });
  return script;
}

async function load(): Promise<Script> {
  const plain = await readFile(fileURLToPath(import.meta.resolve('redoc/bundles/redoc.standalone.js')));
  const quality = { params: { [constants.BROTLI_PARAM_QUALITY]: 6 } };
  const coded = new Map([
    ['br', await promisify(brotliCompress)(plain, quality)],
    ['gzip', await promisify(gzip)(plain)],
  ] as const);
  const hash = createHash('sha256').update(plain).digest('base64url').slice(0, 12);
  const asset: Asset = { type: 'text/javascript; charset=utf-8', etag: `"${hash}"`, plain, coded };
  return { name: `redoc-${hash}.js`, asset };
}
