/** `/docs`: one plain page, without scripts, that shows what the two documents say. */
import { createHash } from 'node:crypto';
import { ERRORS } from '../errors.ts';

type Json = { [member: string]: unknown };

const STYLE = `
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color-scheme: light dark; }
h2 { margin-top: 3rem; } code, pre { font: 14px/1.4 ui-monospace, monospace; }
summary { cursor: pointer; padding: .25rem 0; } details { border-bottom: 1px solid #8884; }
summary code { font-weight: 600; } pre { overflow-x: auto; background: #8881; padding: .75rem; }
table { border-collapse: collapse; } td, th { text-align: left; vertical-align: top; padding: .25rem .75rem .25rem 0; }
`;

/** Nothing but this one style may be loaded or run. */
export const DOCS_CSP = `default-src 'none'; style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

export function docsPage(openApi: object, asyncApi: object): string {
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>onsale: calls and messages</title>
<style>${STYLE}</style></head>
<body>
<h1>onsale</h1>
<p>The same for machines: <a href="/openapi.json">openapi.json</a> (HTTP), <a href="/asyncapi.json">asyncapi.json</a> (WebSocket).</p>
${calls(members(openApi))}
${messages(members(asyncApi))}
${errors()}
</body></html>
`;
}

function calls(openApi: Json): string {
  const operations = Object.entries(members(openApi.paths)).flatMap(([path, methods]) =>
    Object.entries(members(methods)).map(([method, operation]) => ({ path, method, operation: members(operation) })),
  );
  const byTag = Map.groupBy(operations, ({ operation }) => String((operation.tags as unknown[])[0]));
  return [...byTag].map(([tag, group]) => `<h2>${text(tag)}</h2>\n${group.map(call).join('\n')}`).join('\n');
}

function call({ path, method, operation }: { path: string; method: string; operation: Json }): string {
  const security = (operation.security as Json[]).map((one) => Object.keys(one).join(' + ')).join(' or ');
  const shown = { parameters: operation.parameters, requestBody: operation.requestBody };
  const answers = Object.entries(members(operation.responses)).map(
    ([status, answer]) =>
      `<tr><td>${text(status)}</td><td>${text(members(answer).description)}${schemaOf(members(answer))}</td></tr>`,
  );
  return `<details><summary><code>${text(method.toUpperCase())} ${text(path)}</code> ${text(operation.summary)}</summary>
<p>Credential: ${text(security || 'none')}</p>
${pretty(shown)}
<table>${answers.join('\n')}</table></details>`;
}

/** The schema of a success; that of a refusal is the same everywhere. */
function schemaOf(answer: Json): string {
  const json = members(members(answer.content)['application/json']);
  return json.schema === undefined ? '' : pretty(json.schema);
}

function messages(asyncApi: Json): string {
  const { components, info } = asyncApi;
  const shown = Object.entries(members(members(components).messages)).map(
    ([name, message]) =>
      `<details><summary><code>${text(name)}</code> ${text(members(message).summary ?? '')}</summary>${pretty(message)}</details>`,
  );
  const schemas = pretty(members(components).schemas);
  return `<h2>WebSocket</h2>\n<p>${text(members(info).description ?? '')}</p>\n${shown.join('\n')}\n<details><summary>schemas</summary>${schemas}</details>`;
}

function errors(): string {
  const rows = Object.entries(ERRORS).map(
    ([code, { status, title, detail }]) =>
      `<tr id="${code}"><td>${status}</td><td><code>${code}</code></td><td>${text(title)}. ${text(detail)}</td></tr>`,
  );
  return `<h2>Errors</h2>\n<table>${rows.join('\n')}</table>`;
}

function pretty(value: unknown): string {
  return value === undefined ? '' : `<pre>${text(JSON.stringify(value, null, 2))}</pre>`;
}

function members(value: unknown): Json {
  return typeof value === 'object' && value !== null ? (value as Json) : {};
}

function text(value: unknown): string {
  return String(value).replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
