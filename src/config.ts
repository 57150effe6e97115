/**
 * The only reader of process.env. One schema; each setting's line here is its line in the README and `.env.example`.
 * A wrong value stops the start with a line that names it.
 */
import { Type } from 'typebox';
import { Value } from 'typebox/value';

/** uWebSockets.js reads this when it is loaded, and refuses (431) more than 4 KiB of headers otherwise: cookies and an
 * outside provider's token reach that. */
process.env.UWS_HTTP_MAX_HEADERS_SIZE ??= '16384';

const words = (pattern: string, description: string) => Type.String({ pattern, default: '', description });
const count = (value: number, description: string, bounds: { minimum?: number; maximum?: number } = {}) =>
  Type.Integer({
    minimum: 0,
    maximum: 1_000_000,
    ...bounds,
    default: value,
    description,
  });
const oneOf = <const W extends string>(value: W, all: readonly W[], description: string) =>
  Type.Enum([...all], { default: value, description });
const flag = (value: boolean, description: string) => Type.Boolean({ default: value, description });

const REDIS = '^(|rediss?://[^\\s,]+(,rediss?://[^\\s,]+)*)$';
const URL_PATTERN = '^(|https?://\\S+)$';

export const SETTINGS = Type.Object({
  HOST: Type.String({
    minLength: 1,
    default: '127.0.0.1',
    description: 'address to listen on',
  }),
  PORT: count(3000, 'port to listen on; 0 takes a free one', {
    maximum: 65_535,
  }),
  REDIS_URL: words(
    REDIS,
    '`redis://` or `rediss://` address; several, separated by commas, with REDIS_CLUSTER. Unset: a private Redis under `.data/`',
  ),
  REDIS_CLUSTER: flag(false, 'REDIS_URL names nodes of a Redis Cluster'),
  DATABASE_URL: words('^(|postgres(ql)?://\\S+)$', '`postgres://` address. Unset: a private PostgreSQL under `.data/`'),
  ROLE: oneOf(
    'all',
    ['all', 'server', 'worker'],
    'what this start runs: `server`: HTTP and WebSocket; `worker`: loops and recorder; `all`: both',
  ),
  PROCESSES: count(1, 'server processes that share the port', {
    minimum: 1,
    maximum: 256,
  }),
  OPERATOR_KEY: words(
    '^\\S*$',
    'key of the operators, at least 16 characters; several, separated by commas, while rotating; `off` shuts the operator calls. Unset: made at the first start, kept in `.data/operator-key`',
  ),
  JWT_SECRET: words(
    '^\\S*$',
    'signs tokens, at least 32 characters; several, separated by commas: the first signs, all verify. Unset: made at the first start, kept in `.data/jwt-secret`',
  ),
  JWKS_URL: words(URL_PATTERN, 'key set of an outside identity provider, which then issues the access tokens'),
  JWT_ISSUER: words('^\\S*$', 'with JWKS_URL: the issuer that access tokens must name'),
  JWT_AUDIENCE: words('^\\S*$', 'with JWKS_URL: the audience that access tokens must name'),
  CORS_ORIGINS: words(
    '^(|https?://[^\\s,/]+(,https?://[^\\s,/]+)*)$',
    'origins that browsers may call from, separated by commas. Unset: CORS is off',
  ),
  TRUSTED_PROXIES: words(
    '^[0-9a-fA-F.:/,]*$',
    'addresses or CIDR ranges of reverse proxies whose X-Forwarded-For counts, separated by commas',
  ),
  OPERATOR_PORT: count(0, "port of the worker's own page for jobs; 0: off", {
    maximum: 65_535,
  }),
  JOBS_URL: words(
    '^(|https?://\\S+|:\\d{1,5})$',
    "where operators' browsers reach the worker's own page, which the console links to: an address, or `:3001` for that port of the console's own host. Unset: `:OPERATOR_PORT` where that is set here",
  ),
  CURRENCY: Type.String({
    pattern: '^[A-Z]{3}$',
    default: 'KRW',
    description: 'ISO 4217 code of the one currency; fixed at the first start',
  }),
  DEMO: flag(true, 'load a demo concert when there is none'),
  BALANCE_REQUIRES_ACTIVE: flag(
    false,
    'balance, charge and history need an ACTIVE place in the room that the queue token names',
  ),
  DURABILITY: oneOf(
    'fsync',
    ['fsync', 'memory', 'replica'],
    '`fsync`: refuse a Redis that does not sync its append-only file before it answers; `memory`: accept any; `replica`: as fsync, and accounts, places in line, seats and money are answered once a replica has them',
  ),
  LOG_LEVEL: oneOf(
    'info',
    ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'],
    'least level that is logged',
  ),
  LIMIT_LOGIN_PER_SECOND: count(50, 'sign-ups and logins a second per address; 0: no limit'),
  LIMIT_LOGIN_BURST: count(200, 'burst of the same'),
  LIMIT_FAILED_LOGINS_PER_MINUTE: count(5, 'failed logins a minute per email; 0: no limit'),
  LIMIT_USER_PER_SECOND: count(20, 'changing calls and lists a second per user; 0: no limit'),
  LIMIT_USER_BURST: count(60, 'burst of the same'),
  LIMIT_POLL_BURST: count(
    8,
    'polls of one place: bucket size, refilled once per half of `pollAfterSeconds`; 0: no limit',
  ),
});

/** Tells a child of one start its name; not a setting. */
const CHILD = 'ONSALE_CHILD';

export interface Config {
  /** set in the children of one start: their name, which is also their `process` label */
  child: string;
  host: string;
  port: number;
  /** '' where the private one is to be started */
  redisUrl: string;
  redisCluster: boolean;
  /** '' where the private one is to be started */
  databaseUrl: string;
  role: 'all' | 'server' | 'worker';
  processes: number;
  /** empty: to be made and kept under the data folder */
  operatorKeys: string[] | 'off';
  /** file of a key that was made, for the line at the start; else '' */
  operatorKeyFile: string;
  /** empty: to be made and kept under the data folder */
  jwtSecrets: string[];
  jwksUrl: string;
  jwtIssuer: string;
  jwtAudience: string;
  corsOrigins: string[];
  trustedProxies: string[];
  operatorPort: number;
  /** '' where nobody knows; `:3001`: a port of the console's own host */
  jobsUrl: string;
  currency: string;
  demo: boolean;
  balanceRequiresActive: boolean;
  durability: 'fsync' | 'memory' | 'replica';
  logLevel: string;
  limits: {
    loginPerSecond: number;
    loginBurst: number;
    failedLoginsPerMinute: number;
    userPerSecond: number;
    userBurst: number;
    pollBurst: number;
  };
}

/** Not shown in a message, which ends up in a log. */
const SECRETS: ReadonlySet<string> = new Set(['REDIS_URL', 'DATABASE_URL', 'JWT_SECRET', 'OPERATOR_KEY']);

/** A setting that is wrong; `message` is the line to print. */
export class ConfigError extends Error {}

const list = (text: string): string[] => text.split(',').filter((item) => item !== '');

/** Reads the settings out of an environment. Throws ConfigError, which names the setting and what it takes. */
export function readConfig(env: NodeJS.ProcessEnv = process.env): Config {
  const given: Record<string, unknown> = {};
  for (const name of Object.keys(SETTINGS.properties)) {
    const text = env[name];
    if (text !== undefined && text !== '') given[name] = text;
  }
  const value = Value.Default(SETTINGS, Value.Convert(SETTINGS, given));
  if (!Value.Check(SETTINGS, value)) {
    const [first] = Value.Errors(SETTINGS, value);
    const name = first?.instancePath.split('/')[1] ?? 'a setting';
    const schema = (SETTINGS.properties as Record<string, { description?: string }>)[name];
    const shown = SECRETS.has(name) ? '' : `, but it is ${JSON.stringify(env[name] ?? '')}`;
    throw new ConfigError(`${name}: ${first?.message ?? 'is wrong'}${shown}. It is: ${schema?.description ?? ''}.`);
  }
  const s = value;
  if (s.REDIS_URL.includes(',') && !s.REDIS_CLUSTER)
    throw new ConfigError('REDIS_URL: several addresses need REDIS_CLUSTER=true.');
  if (s.REDIS_CLUSTER && s.REDIS_URL === '')
    throw new ConfigError('REDIS_URL: REDIS_CLUSTER=true needs the addresses of its nodes.');
  const jwtSecrets = list(s.JWT_SECRET);
  if (jwtSecrets.some((secret) => secret.length < 32))
    throw new ConfigError('JWT_SECRET: each secret needs at least 32 characters; `openssl rand -base64 32` makes one.');
  const operatorKeys = list(s.OPERATOR_KEY);
  if (s.OPERATOR_KEY !== 'off' && operatorKeys.some((key) => key.length < 16))
    throw new ConfigError('OPERATOR_KEY: each key needs at least 16 characters, or `off`.');
  if (s.JWKS_URL !== '' && (s.JWT_ISSUER === '' || s.JWT_AUDIENCE === '')) {
    throw new ConfigError(
      `${s.JWT_ISSUER === '' ? 'JWT_ISSUER' : 'JWT_AUDIENCE'}: is missing; with JWKS_URL, access tokens must name an issuer and an audience.`,
    );
  }
  return {
    child: env[CHILD] ?? '',
    host: s.HOST,
    port: s.PORT,
    redisUrl: s.REDIS_URL,
    redisCluster: s.REDIS_CLUSTER,
    databaseUrl: s.DATABASE_URL,
    role: s.ROLE,
    processes: s.PROCESSES,
    operatorKeys: s.OPERATOR_KEY === 'off' ? 'off' : operatorKeys,
    operatorKeyFile: '',
    jwtSecrets,
    jwksUrl: s.JWKS_URL,
    jwtIssuer: s.JWT_ISSUER,
    jwtAudience: s.JWT_AUDIENCE,
    corsOrigins: list(s.CORS_ORIGINS),
    trustedProxies: list(s.TRUSTED_PROXIES),
    operatorPort: s.OPERATOR_PORT,
    jobsUrl: s.JOBS_URL || (s.OPERATOR_PORT > 0 ? `:${s.OPERATOR_PORT}` : ''),
    currency: s.CURRENCY,
    demo: s.DEMO,
    balanceRequiresActive: s.BALANCE_REQUIRES_ACTIVE,
    durability: s.DURABILITY,
    logLevel: s.LOG_LEVEL,
    limits: {
      loginPerSecond: s.LIMIT_LOGIN_PER_SECOND,
      loginBurst: s.LIMIT_LOGIN_BURST,
      failedLoginsPerMinute: s.LIMIT_FAILED_LOGINS_PER_MINUTE,
      userPerSecond: s.LIMIT_USER_PER_SECOND,
      userBurst: s.LIMIT_USER_BURST,
      pollBurst: s.LIMIT_POLL_BURST,
    },
  };
}

/**
 * The environment of a child: what its parent was given, and what the parent has found out (addresses of private
 * servers, kept secrets, the port).
 */
export function childEnvironment(config: Config, child: { name: string; role: Config['role'] }): NodeJS.ProcessEnv {
  return {
    ...process.env,
    [CHILD]: child.name,
    ROLE: child.role,
    PROCESSES: '1',
    PORT: String(config.port),
    REDIS_URL: config.redisUrl,
    DATABASE_URL: config.databaseUrl,
    JWT_SECRET: config.jwtSecrets.join(','),
    OPERATOR_KEY: config.operatorKeys === 'off' ? 'off' : config.operatorKeys.join(','),
    OPERATOR_PORT: child.role === 'server' ? '0' : String(config.operatorPort),
    JOBS_URL: config.jobsUrl,
  };
}

/** Reads `.env` of the working folder, where there is one; what the environment sets already wins. */
export function loadDotEnv(): void {
  try {
    process.loadEnvFile('.env');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
