// Before `npm run bench`: wrk, which makes the load. Plain JavaScript, as scripts/setup.mjs is.
import { SetupError, ask } from '../run.mjs';
import { provide } from '../system-packages.mjs';

const WRK = {
  name: 'wrk',
  isThere: () => ask('sh', ['-c', 'command -v wrk']) !== undefined,
  apt: 'wrk',
  brew: 'wrk',
};

try {
  await provide(WRK, (line) => console.log(`onsale: ${line}`));
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  console.error(`onsale: ${error.message}`);
  process.exitCode = 1;
}
