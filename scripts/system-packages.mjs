// What no npm package ships: Redis, luacheck for `npm run check`, Chromium for the pages' tests. Taken from the system's package manager where
// they are missing.
import { SetupError, ask, run } from './run.mjs';

const OLDEST_REDIS = 7; // the first that knows `#!lua` scripts
const TIMEOUT_MS = 180_000;

/**
 * @typedef {{ name: string, isThere: () => boolean, apt: string, brew: string, optional?: boolean }} Tool
 *   `apt` and `brew` are its packages; what is optional is done without where it cannot be had
 */

/** @type {Tool} */
export const REDIS = {
  name: 'Redis 7.0 or later',
  isThere: () =>
    ['redis-server', 'valkey-server'].some((program) => {
      const major = /v=(\d+)/.exec(ask(program, ['--version']) ?? '')?.[1];
      return Number(major) >= OLDEST_REDIS;
    }),
  apt: 'redis-server',
  brew: 'redis',
};

/** @type {Tool} */
export const LUACHECK = {
  name: 'luacheck',
  isThere: () => ask('luacheck', ['--version']) !== undefined,
  apt: 'lua-check',
  brew: 'luacheck',
};

/** @type {Tool} */
export const CHROMIUM = {
  name: 'Chromium',
  isThere: () => ask('chromium', ['--version']) !== undefined,
  apt: 'chromium',
  brew: '--cask chromium',
  optional: true,
};

/** @param {Tool} tool */
async function installWithApt(tool) {
  const isRoot = process.getuid?.() === 0;
  const mayAsk = process.stdin.isTTY;
  const advice = `${tool.name} is missing: install it with 'sudo apt-get install ${tool.apt}'`;
  if (!isRoot && !mayAsk && ask('sudo', ['-n', 'true']) === undefined) throw new SetupError(advice);
  // Another apt may be at work (a fresh machine updates itself): wait for its lock instead of failing at once.
  const patience = ['-o', 'DPkg::Lock::Timeout=60', '-o', 'Acquire::http::Timeout=30', '-o', 'Acquire::Retries=1'];
  const apt = (/** @type {string[]} */ ...args) => {
    const command = ['env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', ...patience, ...args];
    const [file, ...rest] = isRoot ? command : ['sudo', ...(mayAsk ? [] : ['-n']), ...command];
    return run(String(file), rest, {
      what: `${advice} (apt-get ${args[0]} failed)`,
      timeoutMs: TIMEOUT_MS,
      interactive: !isRoot && mayAsk,
    });
  };
  // A machine's list of packages may be empty or refer to versions that are gone. Where one source of many fails, the
  // others may do.
  const updated = apt('update').catch((/** @type {Error} */ error) => error);
  const updateError = await updated;
  try {
    await apt('install', '--yes', '--no-install-recommends', tool.apt);
  } catch (error) {
    throw updateError ?? error;
  }
}

/**
 * @param {Tool} tool
 * @param {(line: string) => void} tell
 * @throws {SetupError} where it is missing and cannot be installed
 */
export async function provide(tool, tell) {
  if (tool.isThere()) return;
  if (ask('apt-get', ['--version']) !== undefined) {
    tell(`installing ${tool.apt} with apt`);
    await installWithApt(tool);
  } else if (ask('brew', ['--version']) !== undefined) {
    tell(`installing ${tool.brew} with brew`);
    await run('brew', ['install', ...tool.brew.split(' ')], {
      what: `'brew install ${tool.brew}' failed`,
      timeoutMs: 2 * TIMEOUT_MS,
    });
  } else {
    throw new SetupError(
      `${tool.name} is missing, and there is neither apt nor brew: install it with your package manager`,
    );
  }
  if (!tool.isThere())
    throw new SetupError(`${tool.name} is missing: the system's package manager has an older one, install it by hand`);
}
