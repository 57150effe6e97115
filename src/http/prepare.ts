/** What can be worked out once for each row of the route table, at the start. */
import { type TObject, Type } from 'typebox';
import { ConcertId, ScheduleId } from '../concerts/shapes.ts';
import type { Series } from '../observability/latencies.ts';
import { metrics } from '../observability/metrics.ts';
import type { Auth, Fault, Route } from './route.ts';
import { paramNames } from './router.ts';
import { type Check, type Checked, createCheck, createQueryCheck, decode } from './validate.ts';

export interface Prepared {
  readonly route: Route;
  /** raw values of the path's parameters, in order -> by name */
  readonly checkParams: (values: readonly string[]) => Checked;
  readonly checkQuery: (query: string) => Checked;
  readonly checkBody: Check;
  /** counted in the user's bucket */
  readonly userLimited: boolean;
  readonly observe: (status: number, seconds: number) => void;
}

const OpaqueId = Type.String({ minLength: 1, maxLength: 200, description: 'opaque' });
const PARAMS: Record<string, TObject['properties'][string]> = { concertId: ConcertId, scheduleId: ScheduleId };

/** The schema of a path's parameters, from their names. */
export function paramsSchema(path: string): TObject {
  const names = paramNames(path);
  return Type.Object(Object.fromEntries(names.map((name) => [name, PARAMS[name] ?? OpaqueId])));
}

export function prepare(route: Route): Prepared {
  return {
    route,
    checkParams: createParamsCheck(route.path),
    checkQuery: route.path.startsWith('/api/') ? createQueryCheck(route.query) : () => ({ value: {} }),
    checkBody: route.body ? createCheck(route.body, '') : checkNoBody,
    userLimited: route.limit === 'user' || (route.method !== 'GET' && USERS.has(route.auth)),
    observe: createObserver(route),
  };
}

const USERS: ReadonlySet<Auth> = new Set<Auth>(['access', 'access or desk', 'queue', 'user', 'user or desk', 'place']);

function createParamsCheck(path: string): Prepared['checkParams'] {
  const names = paramNames(path);
  const check = createCheck(paramsSchema(path), 'path');
  return (values) => {
    const params: Record<string, string> = {};
    for (const [at, name] of names.entries()) {
      const text = decode(values[at] ?? '');
      if (text === null) return fault(`path/${name}`, 'is not percent-encoded UTF-8');
      params[name] = text;
    }
    return names.length === 0 ? { value: params } : check(params);
  };
}

/** A call that takes no body takes an empty object: some clients cannot help sending one. */
const checkNoBody: Check = (value) => {
  const isNone =
    value === undefined || (typeof value === 'object' && value !== null && Object.keys(value).length === 0);
  return isNone ? { value: undefined } : fault('', 'this call takes no body');
};

function fault(path: string, message: string): { faults: Fault[] } {
  return { faults: [{ path, message }] };
}

/** Looking a labelled series up costs more than counting in it. */
function createObserver({ method, path }: Route): Prepared['observe'] {
  const series = new Map<number, Series>();
  return (status, seconds) => {
    let one = series.get(status);
    if (!one) {
      one = metrics.httpSeconds.series(path, method, String(status));
      series.set(status, one);
    }
    one.observe(seconds);
  };
}
