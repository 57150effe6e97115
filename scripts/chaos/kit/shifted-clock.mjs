/**
 * To be loaded into a process before its program (`node --import`): its wall clock is off by CLOCK_OFF_MS. Redis, PostgreSQL and
 * the monotonic clock are as they are, as on a host whose time was never set.
 */
const offMs = Number(process.env.CLOCK_OFF_MS ?? 0);
const RealDate = Date;
const now = () => RealDate.now() + offMs;

globalThis.Date = new Proxy(RealDate, {
  construct: (target, given, made) => Reflect.construct(target, given.length === 0 ? [now()] : given, made),
  apply: () => new RealDate(now()).toString(),
  get: (target, name) => (name === 'now' ? now : Reflect.get(target, name)),
});
Object.defineProperty(performance, 'timeOrigin', { value: performance.timeOrigin + offMs });
