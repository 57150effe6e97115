// Runs other programs for the set-up: bounded in time, quiet, and with one clear line where they fail.
import { spawn, spawnSync } from 'node:child_process';

/** A failure that the person who typed the command can mend: shown as one line, without a stack. */
export class SetupError extends Error {}

/**
 * @param {string} file
 * @param {string[]} args
 * @returns {string | undefined} what it prints; undefined where it is missing or fails
 */
export function ask(file, args) {
  const { status, stdout } = spawnSync(file, args, { encoding: 'utf8', timeout: 10_000 });
  return status === 0 ? stdout : undefined;
}

/**
 * @param {string} file
 * @param {string[]} args
 * @param {{ what: string, timeoutMs: number, env?: NodeJS.ProcessEnv, cwd?: string, interactive?: boolean }} options
 *   `what` begins the line that tells of a failure; an interactive program may ask for a password
 * @returns {Promise<void>}
 */
export function run(file, args, { what, timeoutMs, env, cwd, interactive = false }) {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: [interactive ? 'inherit' : 'ignore', 'pipe', interactive ? 'inherit' : 'pipe'],
    });
    let output = '';
    const collect = (/** @type {Buffer} */ chunk) => {
      output = (output + chunk.toString()).slice(-20_000);
    };
    child.stdout?.on('data', collect);
    child.stderr?.on('data', collect);
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      child.kill();
    }, timeoutMs);
    child.once('error', (error) => {
      clearTimeout(timer);
      reject(new SetupError(`${what}: ${error.message}`));
    });
    // 'exit' and not 'close': a daemon that an installation starts may hold the pipes open.
    child.once('exit', (code, signal) => {
      clearTimeout(timer);
      if (code === 0) resolve();
      else if (late) reject(new SetupError(`${what}: not done after ${timeoutMs / 1000} s`));
      else reject(new SetupError(`${what}: ${tellingLine(output) ?? `ended with ${signal ?? code}`}`));
    });
  });
}

/** @param {string} output */
function tellingLine(output) {
  const lines = output.split('\n').filter((line) => line.trim() !== '');
  // npm ends with where its log is, apt with a summary: the first line that says error is the one that tells.
  return lines.find((line) => /^(npm error (?!code|errno)|E: |Error: )/i.test(line)) ?? lines.at(-1);
}
