/**
 * The same scripts without onsale, a process of its own: EVALSHA over one ioredis connection, so many calls on their way
 * at once. A line of the file is one operation: its steps in turn, each [script file, number of keys, parameters].
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Redis } from 'ioredis';
import { loadSource } from '../../src/redis/script.ts';

export type Step = [file: string, keyCount: number, ...params: (string | number)[]];
export interface RawResult {
  count: number;
  seconds: number;
  rate: number;
  p50Ms: number;
  p99Ms: number;
  /** how often which first word was answered by the last step */
  outcomes: Record<string, number>;
}

const [url = '', file = '', atOnce = '64', warmUp = '0'] = process.argv.slice(2);
const operations = readFileSync(file, 'utf8')
  .split('\n')
  .filter((line) => line !== '')
  .map((line) => JSON.parse(line) as Step[]);
const redis = new Redis(url);
const shas = new Map<string, string>();
for (const [script] of operations[0] ?? []) {
  const source = loadSource(script);
  await redis.script('LOAD', source);
  shas.set(script, createHash('sha1').update(source).digest('hex'));
}

async function drive(some: readonly Step[][]): Promise<RawResult> {
  const outcomes: Record<string, number> = {};
  const latencies = new Float64Array(some.length);
  let next = 0;
  const lane = async () => {
    while (next < some.length) {
      const at = next++;
      const began = performance.now();
      let word = '';
      for (const [script, keyCount, ...params] of some[at] ?? [])
        word = ((await redis.evalsha(shas.get(script) ?? '', keyCount, ...params)) as string[])[0] ?? '';
      latencies[at] = performance.now() - began;
      outcomes[word] = (outcomes[word] ?? 0) + 1;
    }
  };
  const started = performance.now();
  await Promise.all(Array.from({ length: Number(atOnce) }, lane));
  const seconds = (performance.now() - started) / 1000;
  latencies.sort();
  const percentile = (share: number) => latencies[Math.floor((latencies.length - 1) * share)] ?? 0;
  const count = some.length;
  return { count, seconds, rate: count / seconds, p50Ms: percentile(0.5), p99Ms: percentile(0.99), outcomes };
}

await drive(operations.slice(0, Number(warmUp)));
const result = await drive(operations.slice(Number(warmUp)));
redis.disconnect();
process.send?.(result);
process.disconnect();
