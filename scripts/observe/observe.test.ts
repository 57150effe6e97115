/** Alerts and dashboards speak of metrics that a running onsale has, and each alert is tested and explained. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { type Loose, systemUnderTest } from '../../src/acceptance/contract.fixture.ts';
import { concertInput } from '../../src/testing/fan.ts';
import { until } from '../../src/testing/until.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const read = (file: string) => readFileSync(resolve(ROOT, file), 'utf8');
const RULES = 'scripts/observe/prometheus/alerts.yml';
const dashboards = ['night', 'machine'].map((name) => JSON.parse(read(`scripts/observe/dashboards/${name}.json`)));
const panels = dashboards.flatMap((one) => one.panels.filter(({ type }: Loose) => type !== 'row'));
const exprs: string[] = panels.flatMap(({ targets }) => targets.map(({ expr }: Loose) => expr));

interface Alert {
  name: string;
  text: string;
  expr: string;
}
/** The file is ours, and written in one way; promtool is the one that parses YAML. */
const alerts: Alert[] = read(RULES)
  .split('- alert: ')
  .slice(1)
  .map((text) => ({ name: /^\w+/.exec(text)?.[0] ?? '', text, expr: /expr: >-\n +(.+)/.exec(text)?.[1] ?? '' }));
const annotation = ({ text }: Alert, name: string) => new RegExp(`${name}: "([^"\\\\]+)"`).exec(text)?.[1];

const under = await systemUnderTest();
/** name -> type, of a real answer */
let metrics: Map<string, string>;
let text: string;

beforeAll(async () => {
  await under.operator('/concerts/c1', { method: 'PUT', body: concertInput() });
  await until(async () => String((await under.call('/metrics')).body).includes('onsale_sold_seats{'), {
    timeoutMs: 15_000,
  });
  text = (await under.call('/metrics')).body;
  metrics = new Map([...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = '', type = '']) => [name, type]));
});

/** Metrics that PromQL names: every word that is not a label, a function or a keyword. */
function namedIn(expr: string): string[] {
  return (expr.match(/\b(?:onsale|nodejs|process)_\w+/g) ?? []).map((name) => {
    const base = name.replace(/_(bucket|sum|count)$/, '');
    return metrics.get(base) === 'histogram' || metrics.get(base) === 'summary' ? base : name;
  });
}

test.each([...alerts.map(({ expr }) => expr), ...exprs])('there is what it asks for: %s', (expr) => {
  const named = namedIn(expr);
  if (!expr.includes('up{job="onsale"}')) expect(named.length, expr).toBeGreaterThan(0);
  for (const name of named) expect([...metrics.keys()], expr).toContain(name);
  for (const name of expr.match(/\w+_(?:bucket|sum|count)\b/g) ?? [])
    expect(text, `${name} of ${expr}`).toMatch(new RegExp(`^(${name}\\{|# TYPE ${name.replace(/_\w+?$/, '')})`, 'm'));
});

test('how the sale goes is told for each concert', () => {
  for (const name of ['onsale_no_shows', 'onsale_sold_seats', 'onsale_revenue'])
    expect(text).toMatch(new RegExp(`^${name}\\{.*concert="c1".*\\} 0$`, 'm'));
});

describe.each(alerts.map((alert) => [alert.name, alert] as const))('%s', (name, alert) => {
  test('says how bad it is, what it is, and what to do, as the README does', () => {
    const [, severity] = /labels: \{ severity: (critical|warning|info) \}/.exec(alert.text) ?? [];
    for (const part of ['summary', 'description', 'runbook']) expect(annotation(alert, part), part).toMatch(/\S/);
    const runbook = annotation(alert, 'runbook') ?? '';
    expect(runbook).toMatch(/ README\.md#(alerts|when-the-audit-differs)$/);
    const told = runbook
      .replace(/ README\.md#alerts$/, '')
      .replace(/README\.md(#when-the-audit-differs)$/, '[When the audit differs]($1).');
    expect(read('README.md')).toContain(`| \`${name}\` | ${severity} | ${told} |`);
  });

  test('has a test', () => {
    expect(read('scripts/observe/prometheus/alerts.test.yml')).toContain(`- name: ${name}\n`);
  });
});

test('alerts have names of their own', () => {
  expect(new Set(alerts.map(({ name }) => name)).size).toBe(alerts.length);
  expect(alerts.length).toBeGreaterThan(20);
});

const hasPromtool = spawnSync('promtool', ['--version']).status === 0;
test.skipIf(!hasPromtool)(
  'promtool reads the rules, and each alert fires when it should (skipped without promtool)',
  { timeout: 60_000 },
  () => {
    const cwd = resolve(ROOT, 'scripts/observe/prometheus');
    for (const args of [
      ['check', 'rules', 'alerts.yml'],
      ['check', 'config', 'prometheus.yml'],
      ['test', 'rules', 'alerts.test.yml'],
    ]) {
      const { status, stdout, stderr } = spawnSync('promtool', args, { cwd, encoding: 'utf8' });
      expect(status, `${args.join(' ')}\n${stdout}${stderr}`).toBe(0);
    }
  },
);

test.skipIf(!hasPromtool)('promtool reads the queries of the dashboards (skipped without promtool)', () => {
  const rules = exprs.map((expr, i) => `  - { record: 'a:${i}', expr: '${expr.replaceAll("'", "''")}' }`);
  const dir = mkdtempSync(join(tmpdir(), 'onsale-promtool-'));
  writeFileSync(join(dir, 'rules.yml'), `groups:\n- name: dashboards\n  rules:\n${rules.join('\n')}\n`);
  const { status, stderr } = spawnSync('promtool', ['check', 'rules', 'rules.yml'], { cwd: dir, encoding: 'utf8' });
  rmSync(dir, { recursive: true });
  expect(status, stderr).toBe(0);
});

describe.each(dashboards.map((one) => [one.title, one] as const))('dashboard %s', (_, dashboard: Loose) => {
  test('asks the data source that was chosen; panels have ids, places, titles and units of their own', () => {
    const [source] = dashboard.templating.list;
    expect(source).toMatchObject({ name: 'datasource', type: 'datasource', query: 'prometheus' });
    const own: Loose[] = dashboard.panels;
    expect(new Set(own.map(({ id }) => id)).size).toBe(own.length);
    expect(new Set(own.map(({ gridPos: { x, y } }) => `${x} ${y}`)).size).toBe(own.length);
    expect(new Set(own.map(({ title }) => title)).size).toBe(own.length);
    for (const { type, title, datasource, targets, fieldConfig, gridPos } of own) {
      expect(gridPos.x + gridPos.w, title).toBeLessThanOrEqual(24);
      if (type === 'row') continue;
      expect(fieldConfig.defaults.unit, title).toMatch(/\w/);
      expect(new Set(targets.map(({ refId }: Loose) => refId)).size).toBe(targets.length);
      for (const one of [datasource, ...targets.map((target: Loose) => target.datasource)])
        expect(one).toEqual({ type: 'prometheus', uid: '${datasource}' });
      for (const { expr } of targets)
        for (const [, name = ''] of expr.matchAll(/\$(\w+)/g))
          expect(dashboard.templating.list.map((variable: Loose) => variable.name)).toContain(name);
    }
  });
});

test('dashboards have ids of their own; compose mounts what Prometheus scrapes', () => {
  expect(new Set(dashboards.map(({ uid }) => uid)).size).toBe(dashboards.length);
  const compose = read('docker-compose.yml');
  for (const path of ['prometheus:/etc/prometheus', 'grafana:/etc/grafana/provisioning', 'dashboards:/var/lib/grafana'])
    expect(compose).toContain(`- ./scripts/observe/${path}`);
  const [, port] = /OPERATOR_PORT: '(\d+)'/.exec(compose) ?? [];
  expect(read('scripts/observe/prometheus/prometheus.yml')).toContain(`port: ${port}\n`);
});
