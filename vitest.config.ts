import { defineConfig } from 'vitest/config';
import { failedFiles } from './src/testing/failed-files.ts';

export default defineConfig({
  test: {
    // Forks: a throwing uWebSockets.js handler aborts its process, and in a thread that would be the whole run, without a report.
    pool: 'forks',
    // 60 trivial files take 8.2 s isolated and 0.8 s like this.
    isolate: false,
    maxWorkers: 2,
    setupFiles: ['src/testing/leaks.ts'],
    reporters: ['default', failedFiles],
    // Bounds of what hangs, not of what is slow: a start alone may take a minute on a machine that has other work.
    testTimeout: 90_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 10_000 } },
    projects: [
      {
        extends: true,
        test: {
          name: 'main',
          include: ['{src,scripts}/**/*.test.ts'],
          exclude: ['**/*.script.test.ts'],
          globalSetup: ['src/testing/global-setup.ts'],
        },
      },
      // The same tests of the Lua scripts twice: on one Redis, and on a cluster, which refuses keys of several slots.
      { extends: true, test: { name: 'single', include: ['src/**/*.script.test.ts'] } },
      {
        extends: true,
        test: { name: 'cluster', include: ['src/**/*.script.test.ts'], env: { TEST_REDIS: 'cluster' } },
      },
    ],
  },
});
