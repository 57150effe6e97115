// Leaves the names of the test files that failed, for `.ci/run` to try those once more.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Reporter } from 'vitest/node';

const LIST = 'node_modules/.cache/failed-test-files';

export const failedFiles: Reporter = {
  onTestRunStart() {
    rmSync(LIST, { force: true });
  },
  onTestRunEnd(files, errors) {
    // An error that belongs to no file leaves no list: then everything is to be tried again.
    if (errors.length > 0) return;
    mkdirSync(dirname(LIST), { recursive: true });
    writeFileSync(
      LIST,
      files
        .filter((file) => file.state() === 'failed')
        .map((file) => `${file.relativeModuleId}\n`)
        .join(''),
    );
  },
};
