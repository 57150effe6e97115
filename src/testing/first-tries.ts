// What a test said that failed at first and passed at its second try (CI): the report else says only that it did.
import type { Reporter } from 'vitest/node';

export const firstTries: Reporter = {
  onTestCaseResult(test) {
    if (!test.diagnostic()?.flaky) return;
    for (const error of test.result().errors ?? [])
      console.error(
        `FAILED AT FIRST: ${test.module.relativeModuleId} > ${test.fullName}\n${error.stack ?? error.message}`,
      );
  },
};
