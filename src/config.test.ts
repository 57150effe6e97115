import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { envExample, readmeWithSettings } from '../scripts/document-settings.ts';
import { ConfigError, childEnvironment, readConfig } from './config.ts';

const root = resolve(import.meta.dirname, '..');

test('defaults', () => {
  expect(readConfig({})).toMatchObject({
    host: '127.0.0.1',
    port: 3000,
    role: 'all',
    processes: 1,
    currency: 'KRW',
    demo: true,
    durability: 'fsync',
    balanceRequiresActive: false,
    jobsUrl: '',
    jwtSecrets: [],
    operatorKeys: [],
  });
  expect(readConfig({}).limits).toEqual({
    loginPerSecond: 50,
    loginBurst: 200,
    failedLoginsPerMinute: 5,
    userPerSecond: 20,
    userBurst: 60,
    pollBurst: 8,
  });
});

test('an empty value is an unset one', () => {
  expect(readConfig({ PORT: '', REDIS_URL: '' })).toMatchObject({ port: 3000, redisUrl: '' });
});

test('lists are separated by commas', () => {
  const secrets = ['a'.repeat(32), 'b'.repeat(40)];
  expect(
    readConfig({
      JWT_SECRET: secrets.join(','),
      OPERATOR_KEY: 'off',
      CORS_ORIGINS: 'https://a.example,https://b.example',
    }),
  ).toMatchObject({
    jwtSecrets: secrets,
    operatorKeys: 'off',
    corsOrigins: ['https://a.example', 'https://b.example'],
  });
});

test.each([
  ['PORT', 'many'],
  ['PORT', '70000'],
  ['ROLE', 'boss'],
  ['DEMO', 'maybe'],
  ['PROCESSES', '0'],
  ['REDIS_URL', 'http://127.0.0.1'],
  ['REDIS_URL', 'redis://a:1,redis://b:1'],
  ['DATABASE_URL', 'mysql://x'],
  ['JWT_SECRET', 'short'],
  ['OPERATOR_KEY', 'short'],
  ['CURRENCY', 'won'],
  ['DURABILITY', 'maybe'],
  ['CORS_ORIGINS', 'https://a.example/'],
  ['LIMIT_USER_BURST', '-1'],
])('%s=%s stops the start with a line that names it', (name, value) => {
  expect(() => readConfig({ [name]: value })).toThrow(ConfigError);
  expect(() => readConfig({ [name]: value })).toThrow(new RegExp(`^${name}: `));
});

function messageOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    return error instanceof Error ? error.message : '';
  }
  return '';
}

test.each(['REDIS_URL', 'DATABASE_URL', 'JWT_SECRET', 'OPERATOR_KEY'])(
  'a wrong %s is not shown: it is a secret',
  (name) => {
    const value = 'a secret with blanks and %';
    const message = messageOf(() => readConfig({ [name]: value }));
    expect(message).toContain(`${name}: `);
    expect(message).not.toContain('blanks');
  },
);

test('JWKS_URL needs an issuer and an audience', () => {
  expect(() => readConfig({ JWKS_URL: 'https://id.example/jwks' })).toThrow(/^JWT_ISSUER: /);
  expect(() => readConfig({ JWKS_URL: 'https://id.example/jwks', JWT_ISSUER: 'x' })).toThrow(/^JWT_AUDIENCE: /);
});

test('a child is given what its parent has found out', () => {
  const config = {
    ...readConfig({}),
    port: 4000,
    redisUrl: 'redis://127.0.0.1:7777',
    databaseUrl: 'postgres://x',
    jwtSecrets: ['s'.repeat(32)],
    operatorKeys: ['k'.repeat(16)],
  };
  const child = readConfig(childEnvironment(config, { name: '2', role: 'server' }));
  expect(child).toMatchObject({
    child: '2',
    role: 'server',
    port: 4000,
    redisUrl: config.redisUrl,
    databaseUrl: 'postgres://x',
    jwtSecrets: config.jwtSecrets,
    operatorKeys: config.operatorKeys,
    processes: 1,
  });
});

test('README and .env.example name every setting with its default; `node scripts/document-settings.ts` writes them', () => {
  const readme = readFileSync(resolve(root, 'README.md'), 'utf8');
  expect(readme).toBe(readmeWithSettings(readme));
  expect(readFileSync(resolve(root, '.env.example'), 'utf8')).toBe(envExample());
});
