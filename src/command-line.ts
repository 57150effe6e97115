/** The command lines of rebuild, benchmarks and chaos: what is wrong in one is a line, with the usage. */
import { type ParseArgsConfig, parseArgs } from 'node:util';

/** `--help` prints the usage and ends with 0; a wrong command line says in a line what is wrong, and ends with 1. */
export function readCommandLine<const Options extends NonNullable<ParseArgsConfig['options']>>(
  options: Options,
  usage: string,
) {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: { ...options, help: { type: 'boolean', short: 'h' } },
    });
    if (!('help' in values)) return { values, positionals };
  } catch (error) {
    // Node adds a paragraph on words that begin with a dash, which are of no use here.
    refuseCommandLine(error instanceof Error ? (error.message.split(/\.\s/)[0] ?? '') : String(error), usage);
  }
  console.log(usage);
  process.exit(0);
}

export function refuseCommandLine(fault: string, usage: string): never {
  console.error(`${fault}\n\n${usage}`);
  process.exit(1);
}
