// A build that is as new as its sources is not made again.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const TESTS = /\.(test|fixture)\.ts$/;

/**
 * @param {string} file
 * @param {string[]} sources files and folders, of which tests do not count
 */
export function createStamp(file, sources) {
  const fingerprint = () => {
    const hash = createHash('sha256');
    for (const path of sources.flatMap(filesOf)) hash.update(path).update(readFileSync(path));
    return hash.digest('hex');
  };
  return {
    isFresh: () => existsSync(file) && readFileSync(file, 'utf8') === fingerprint(),
    /**
     * A build that does not come to its end leaves no stamp.
     * @param {() => Promise<void>} build
     */
    async around(build) {
      const built = fingerprint();
      rmSync(file, { force: true });
      await build();
      writeFileSync(file, built);
    },
  };
}

/** @param {string} path @returns {string[]} */
function filesOf(path) {
  if (!statSync(path).isDirectory()) return [path];
  const names = readdirSync(path, { recursive: true, encoding: 'utf8' }).sort();
  return names.map((name) => join(path, name)).filter((each) => !TESTS.test(each) && statSync(each).isFile());
}
