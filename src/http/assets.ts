/**
 * The files that the pages are made of, in memory: `vite build` has given them names with a hash, and compressed each
 * (`x.js`, `x.js.br`, `x.js.gz`). Where nothing is built there are none, and the API is served all the same.
 */
import { createHash } from 'node:crypto';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { basename, extname, join } from 'node:path';
import { names } from '../etag.ts';

export interface Asset {
  type: string;
  etag: string;
  plain: Buffer;
  /** by the name of the content coding */
  coded: ReadonlyMap<'br' | 'gzip', Buffer>;
}

/** `index.html`, `console.html`, and the files of `assets/`, by their bare names. */
export type Assets = ReadonlyMap<string, Asset>;

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.webp': 'image/webp',
  '.woff2': 'font/woff2',
  '.json': 'application/json',
};
const CODINGS = [
  ['br', '.br'],
  ['gzip', '.gz'],
] as const;

export function loadAssets(dir: string): Assets {
  const files = existsSync(dir) ? globSync(['*.html', 'assets/*'], { cwd: dir }) : [];
  const assets = new Map<string, Asset>();
  for (const file of files) {
    const type = TYPES[extname(file)];
    if (type) assets.set(basename(file), readAsset(join(dir, file), type));
  }
  return assets;
}

function readAsset(path: string, type: string): Asset {
  const coded = CODINGS.filter(([, ending]) => existsSync(path + ending)).map(
    ([coding, ending]) => [coding, readFileSync(path + ending)] as const,
  );
  return assetOf(type, readFileSync(path), new Map(coded));
}

function assetOf(type: string, plain: Buffer, coded: Asset['coded']): Asset {
  const etag = `"${createHash('sha256').update(plain).digest('base64url').slice(0, 22)}"`;
  return { type, etag, plain, coded };
}

const NO_JOBS = /(<meta name="onsale-jobs" content=")("[ /]*>)/;

/** Tells the console where the worker's own page is: where it runs is known only now. */
export function linkJobs(assets: Assets, jobsUrl: string): Assets {
  const page = assets.get('console.html');
  if (!page || jobsUrl === '') return assets;
  const address = jobsUrl.replaceAll('&', '&amp;').replaceAll('"', '&quot;');
  const text = page.plain.toString().replace(NO_JOBS, (_, before, after) => before + address + after);
  // A kilobyte: as it is, it need not be compressed.
  return new Map([...assets, ['console.html', assetOf(page.type, Buffer.from(text), new Map())]]);
}

export type AssetReply =
  | { status: 200; headers: Record<string, string>; text: Buffer }
  | { status: 304; headers: Record<string, string> };

/** The file in the best coding that the client takes, or that it has it already. */
export function assetReply(
  { type, etag, plain, coded }: Asset,
  { acceptEncoding, ifNoneMatch, headers = {} }: Wanted & { headers?: Record<string, string> },
): AssetReply {
  const all = { 'Content-Type': type, ETag: etag, Vary: 'Accept-Encoding', ...headers };
  if (names(ifNoneMatch, etag)) return { status: 304, headers: all };
  for (const [coding, text] of coded)
    if (accepts(acceptEncoding, coding)) return { status: 200, headers: { ...all, 'Content-Encoding': coding }, text };
  return { status: 200, headers: all, text: plain };
}

/** Headers of the request, '' where absent. */
export interface Wanted {
  acceptEncoding: string;
  ifNoneMatch: string;
}

/** `br;q=0` is a refusal; any other weight will do. */
function accepts(acceptEncoding: string, coding: string): boolean {
  return acceptEncoding.split(',').some((one) => {
    const [name = '', ...rest] = one.split(';').map((part) => part.trim().toLowerCase());
    return name === coding && !rest.some((part) => /^q=0(\.0*)?$/.test(part));
  });
}
