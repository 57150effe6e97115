/** What is given on the command line, for all benchmarks. */
export interface Options {
  /** of the numbers of users, requests and seats; below 1 for a quick look */
  scale: number;
  /** of each run that is not over with its requests */
  seconds: number;
}

/** At least a hundred, so that percentiles mean something. */
export function scaled(count: number, { scale }: Options): number {
  return Math.max(100, Math.round(count * scale));
}
