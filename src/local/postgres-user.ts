// PostgreSQL refuses to run as root. Where we are root it runs as the user `postgres`, made where it is missing.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const NAME = 'postgres';
const TIMEOUT_MS = 10_000;

const run = promisify(execFile);

export interface SystemUser {
  uid: number;
  gid: number;
}

async function lookUp(): Promise<SystemUser | undefined> {
  try {
    const [uid, gid] = await Promise.all(
      ['-u', '-g'].map((option) => run('id', [option, NAME], { timeout: TIMEOUT_MS })),
    );
    return uid && gid && { uid: Number(uid.stdout), gid: Number(gid.stdout) };
  } catch {
    return undefined; // `id` knows no such user
  }
}

/**
 * @returns the user that PostgreSQL runs as; undefined where that is the one we are
 * @throws as root on another system than Linux
 */
export async function postgresUser(): Promise<SystemUser | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  if (process.platform !== 'linux')
    throw new Error('PostgreSQL does not run as root: start as another user, or set DATABASE_URL');
  const known = await lookUp();
  if (known) return known;
  await run('useradd', ['--system', '--user-group', '--no-create-home', '--shell', '/usr/sbin/nologin', NAME], {
    timeout: TIMEOUT_MS,
  });
  const made = await lookUp();
  if (!made) throw new Error(`no user ${NAME} after useradd`);
  return made;
}

/**
 * Wraps a command so that it runs as that user. The one capability that it keeps lets it read files in folders of
 * root's, so that a clone below a folder of mode 0700 (`/root`, `mktemp -d`) works; `no_setuid_fixup` keeps that
 * through the change of user.
 */
export function asUser(
  user: SystemUser | undefined,
  file: string,
  args: readonly string[],
): [file: string, args: string[]] {
  if (!user) return [file, [...args]];
  const capabilities = '-all,+dac_read_search';
  const options = [`--reuid=${user.uid}`, `--regid=${user.gid}`, '--clear-groups', '--securebits=+no_setuid_fixup'];
  return ['setpriv', [...options, `--inh-caps=${capabilities}`, `--ambient-caps=${capabilities}`, file, ...args]];
}
