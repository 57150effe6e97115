/**
 * The load: wrk, one thread on its own core, connections kept alive, one request at a time on each (no pipelining). A
 * closed loop: it tells what a full server gives, and its latencies are those of a full server, unless connections pause.
 */
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { CpuMeter, LOAD_CORE, onCore } from './cores.ts';

export interface Load {
  port: number;
  /** whole requests, as they go over the wire */
  requests: readonly string[];
  /** true: each is sent once, and the run ends with the last; false: round and round until the time is over */
  once: boolean;
  /** at most */
  seconds: number;
  connections?: number;
  /** at most, by chance, before each request of a connection: the rate is then the generator's, not the server's */
  pauseMs?: number;
  /** whose processor time is of interest */
  pids: Readonly<Record<string, number>>;
  /** a folder for the requests and the script */
  dir: string;
}

export interface LoadResult {
  count: number;
  seconds: number;
  rate: number;
  p50Ms: number;
  p99Ms: number;
  /** answers of 400 and above */
  refused: number;
  /** connections that failed, requests without an answer in 2 s */
  failed: number;
  /** shares of a core by name; `load` is wrk itself */
  cpu: Record<string, number>;
}

export const CONNECTIONS = 64;
const SEPARATOR = '\0';
const GRACE_MS = 20_000;

/** The requests are made before the clock starts, so that one costs the generator a look into a table. */
const SCRIPT = `
local ffi = require('ffi')
ffi.cdef[[ struct timeval { long s; long us; }; int gettimeofday(struct timeval *t, void *z); int getpid(void); int kill(int p, int s); ]]
local function now() local t = ffi.new('struct timeval') ffi.C.gettimeofday(t, nil) return tonumber(t.s) + tonumber(t.us) / 1e6 end
local threads = {}
function setup(thread) threads[#threads + 1] = thread end
local requests, i, n = {}, 0, 0
function init(args)
  local file = io.open(args[1], 'rb')
  for one in file:read('*a'):gmatch('[^%z]+') do n = n + 1 requests[n] = one end
  file:close()
  once, started, ended = args[2] == 'once' and 1 or 0, 0, 0
end
-- The first call is wrk's own look at what the requests are like.
local looked = false
function request()
  if not looked then looked = true return requests[1] end
  if started == 0 then started = now() io.stdout:write('begin\\n') io.stdout:flush() end
  i = i + 1
  if i > n then
    if once == 0 then i = 1
    else
      if ended == 0 then ended = now() wrk.thread:stop() ffi.C.kill(ffi.C.getpid(), 2) end
      return requests[n]
    end
  end
  return requests[i]
end
function done(summary, latency)
  local t = threads[1]
  local started, ended = t:get('started'), t:get('ended')
  local seconds = ended > 0 and ended - started or summary.duration / 1e6
  local e = summary.errors
  io.stdout:write(string.format('result {"count":%d,"seconds":%.6f,"p50Ms":%.4f,"p99Ms":%.4f,"refused":%d,"failed":%d}\\n',
    summary.requests, seconds, latency:percentile(50) / 1000, latency:percentile(99) / 1000, e.status,
    e.connect + e.read + e.write + e.timeout))
  io.stdout:flush()
end
`;

export async function load(what: Load): Promise<LoadResult> {
  const { port, requests, once, seconds, connections, pauseMs, pids, dir } = what;
  const [script, file] = [join(dir, 'load.lua'), join(dir, 'requests')];
  const pause = pauseMs === undefined ? '' : `function delay() return math.random(0, ${pauseMs}) end\n`;
  writeFileSync(script, SCRIPT + pause);
  writeFileSync(file, requests.join(SEPARATOR));
  const flags = ['-t1', `-c${connections ?? CONNECTIONS}`, `-d${seconds}s`, '--latency', '-s', script];
  const target = [`http://127.0.0.1:${port}/`, '--', file, once ? 'once' : 'round'];
  const child = spawn(...onCore(LOAD_CORE, 'wrk', [...flags, ...target]), { stdio: ['ignore', 'pipe', 'pipe'] });
  const timer = setTimeout(() => child.kill('SIGKILL'), seconds * 1000 + GRACE_MS);
  const meter = new CpuMeter({ ...pids, load: child.pid ?? 0 });
  const lines: string[] = [];
  let read: ReturnType<CpuMeter['read']> | null = null;
  let result: Omit<LoadResult, 'rate' | 'cpu'> | null = null;
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      lines.push(line);
      if (line === 'begin') meter.start();
      if (!line.startsWith('result ')) return;
      read = meter.read();
      result = JSON.parse(line.slice('result '.length)) as typeof result;
    });
  }
  await new Promise((resolve, reject) => child.once('close', resolve).once('error', reject));
  clearTimeout(timer);
  return finish(result, read, lines);
}

function finish(
  result: Omit<LoadResult, 'rate' | 'cpu'> | null,
  read: ReturnType<CpuMeter['read']> | null,
  lines: readonly string[],
): LoadResult {
  if (!result || !read) throw new Error(`wrk told nothing:\n${lines.join('\n')}`);
  const shares = Object.entries(read.cpu).map(([name, cpu]) => [name, cpu / read.seconds] as const);
  return { ...result, rate: result.count / result.seconds, cpu: Object.fromEntries(shares) };
}

/** A request as it goes over the wire. */
export function requestOf(
  method: string,
  path: string,
  { headers = {}, body }: { headers?: Record<string, string>; body?: unknown } = {},
): string {
  const text = body === undefined ? '' : JSON.stringify(body);
  const all = {
    host: '127.0.0.1',
    ...headers,
    ...(text && { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(text)) }),
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n${text}`;
}
