// Installs what `npm start`, `npm test` and `npm run check` need and is missing: node modules (with the project's own
// Node 24), the built client and pages, Redis, luacheck. It runs before each of them (`prestart`, `pretest`, `precheck`), on a bare machine under
// the system's Node and without any package: plain JavaScript for Node 20 and later. Where all is there it takes
// about 50 ms.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { lock } from '../src/local/file-lock.mjs';
import { CLIENT_BUILD, isClientBuilt } from './build-client.mjs';
import { PAGES_BUILD, arePagesBuilt } from './build-pages.mjs';
import { fitUws, runningGlibc } from './fit-uws.mjs';
import { SetupError, ask, run } from './run.mjs';
import { CHROMIUM, LUACHECK, REDIS, provide } from './system-packages.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const STAMP = join(ROOT, 'node_modules', '.onsale-setup');
const INSTALL_TIMEOUT_MS = 210_000; // of the 4 minutes that a first start may take
const BUILD_TIMEOUT_MS = 60_000;
const LOCK_TIMEOUT_MS = 600_000;

const tell = (/** @type {string} */ line) => console.log(`onsale: ${line}`);

/** What the node modules depend on: the lists of packages, and the system that binaries were chosen and fitted for. */
function fingerprint() {
  const hash = createHash('sha256');
  for (const file of ['package.json', 'package-lock.json', 'scripts/fit-uws.mjs'])
    hash.update(readFileSync(join(ROOT, file)));
  return hash.update(`${process.platform} ${process.arch} ${runningGlibc()}`).digest('hex');
}

function isInstalled() {
  return existsSync(STAMP) && readFileSync(STAMP, 'utf8') === fingerprint();
}

/** The Node that npm's scripts run: the project's own, and the system's where that is missing. */
function installedNode() {
  const own = join(ROOT, 'node_modules', '.bin', 'node');
  return existsSync(own) ? own : process.execPath;
}

function checkInstalled() {
  const node = installedNode();
  const [version = '', abi = ''] =
    ask(node, ['-p', 'process.version + " " + process.versions.modules'])?.trim().split(' ') ?? [];
  const [major = 0, minor = 0] = version.slice(1).split('.').map(Number);
  if (major < 24 || (major === 24 && minor < 7)) {
    throw new SetupError(
      `Node 24.7 was not installed (${version || 'none runs'}): are npm's install scripts off (ignore-scripts)?`,
    );
  }
  fitUws(ROOT, abi);
  if (ask(node, ['-e', `require(${JSON.stringify(join(ROOT, 'node_modules', 'uWebSockets.js'))})`]) === undefined) {
    throw new SetupError(`uWebSockets.js does not load in Node ${version} on ${process.platform} ${process.arch}`);
  }
}

async function installNodeModules() {
  if (isInstalled()) return;
  tell('installing node modules');
  // Not `npm ci`: it refuses a lock file that lacks the packages of other platforms. Development packages are named
  // since Node itself is one of them, and NODE_ENV=production would leave them out.
  const args = ['install', '--include=dev', '--include=optional', '--no-audit', '--no-fund'];
  const npm = process.env.npm_execpath;
  const [file, first] = npm ? [process.execPath, [npm]] : ['npm', []];
  await run(file, [...first, ...args], { what: "'npm install' failed", timeoutMs: INSTALL_TIMEOUT_MS, cwd: ROOT });
  checkInstalled();
  writeFileSync(STAMP, fingerprint());
}

/** `onsale/client`, for programs and pages: Node strips no types inside node_modules, and browsers none at all. */
async function buildClient() {
  if (isClientBuilt()) return;
  tell('building the client');
  await run(installedNode(), [CLIENT_BUILD], { what: 'the client was not built', timeoutMs: BUILD_TIMEOUT_MS });
}

/**
 * The builder's own binary is a package of each platform, and may be missing for one that the lock file does not know:
 * the API sells tickets without pages.
 * @param {string} command
 */
async function buildAll(command) {
  try {
    await buildClient();
    await buildPages();
  } catch (error) {
    if (command !== 'start' || !(error instanceof SetupError)) throw error;
    tell(`${error.message}; starting without the pages`);
  }
}

async function buildPages() {
  if (arePagesBuilt()) return;
  tell('building the pages');
  await run(installedNode(), [PAGES_BUILD], { what: 'the pages were not built', timeoutMs: BUILD_TIMEOUT_MS });
}

/** Whether `npm start` is told of a Redis and needs none of its own. */
function hasRedisUrl() {
  const dotEnv = join(ROOT, '.env');
  return (
    Boolean(process.env.REDIS_URL) ||
    (existsSync(dotEnv) && /^\s*(export\s+)?REDIS_URL\s*=\s*\S/m.test(readFileSync(dotEnv, 'utf8')))
  );
}

/** @param {string} command */
function toolsFor(command) {
  if (command === 'check') return [LUACHECK];
  if (command === 'test') return [REDIS, CHROMIUM];
  return command === 'start' && hasRedisUrl() ? [] : [REDIS];
}

/**
 * One after the other: they share the package manager's lock.
 * @param {import('./system-packages.mjs').Tool[]} tools
 */
async function provideAll(tools) {
  for (const tool of tools) {
    try {
      await provide(tool, tell);
    } catch (error) {
      if (!tool.optional || !(error instanceof SetupError)) throw error;
      tell(`${error.message}; what needs it is skipped`);
    }
  }
}

/** @param {string} command */
async function setUp(command) {
  const tools = toolsFor(command);
  if (isInstalled() && isClientBuilt() && arePagesBuilt() && tools.every((tool) => tool.isThere())) return;
  const release = await lock(join(ROOT, '.data', 'setup.lock'), {
    timeoutMs: LOCK_TIMEOUT_MS,
    onWait: ({ pid }) => tell(`waiting for process ${pid}, which is installing`),
  });
  try {
    const modules = installNodeModules().then(() => buildAll(command));
    const results = await Promise.allSettled([modules, provideAll(tools)]);
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  } finally {
    release();
  }
}

try {
  await setUp(process.argv[2] ?? 'start');
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  console.error(`onsale: ${error.message}`);
  process.exitCode = 1;
}
