/**
 * The pages of the documents: `/docs`, an index without scripts where each error has its anchor (the `type` of problem
 * objects leads there), and one page for each document, which redoc draws.
 */
import { createHash } from 'node:crypto';
import { ERRORS } from '../errors.ts';

type Json = { [member: string]: unknown };

const STYLE = `
:root { color-scheme: light dark; --ink: #17151f; --soft: #5a5668; --paper: #fff; --ground: #f5f4f8; --line: #dddae6; --link: #4527d8; --mark: #ece8ff; }
@media (prefers-color-scheme: dark) {
:root { --ink: #f2f0f8; --soft: #b3aec4; --paper: #1d1a27; --ground: #13111a; --line: #37334a; --link: #a796ff; --mark: #2a2350; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
a { color: var(--link); } code { font: 14px/1.5 ui-monospace, monospace; }
header, main { padding: 12px max(16px, calc((100% - 960px) / 2)); }
header { display: flex; flex-wrap: wrap; gap: 4px 20px; background: var(--paper); border-bottom: 1px solid var(--line); }
header a { color: var(--ink); text-decoration: none; padding: 4px 0; } header a:first-child { font-weight: 750; margin-right: auto; }
h1 { font-size: 1.8rem; line-height: 1.2; margin: 16px 0 8px; }
h2 { font-size: 1.15rem; margin: 0 0 8px; } p { margin: 0 0 8px; }
section { background: var(--paper); border: 1px solid var(--line); border-radius: 12px; padding: 20px; margin: 20px 0; }
table { border-collapse: collapse; width: 100%; } tr { border-top: 1px solid var(--line); } tr:first-child { border: 0; }
tr:target { background: var(--mark); } td { vertical-align: top; padding: 8px 12px 8px 0; } td:last-child { color: var(--soft); padding-right: 0; }
td:not(:last-child) { white-space: nowrap; }
@media (max-width: 900px) { section { padding: 16px; } tr, td { display: block; } td:not(:last-child) { white-space: normal; } tr { padding: 8px 0; } td { padding: 0; } }
`;

const SEALED = "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const hashOf = (style: string) => `'sha256-${createHash('sha256').update(style).digest('base64')}'`;

/** Nothing but this one style may be loaded or run. */
export const INDEX_CSP = `default-src 'none'; style-src ${hashOf(STYLE)}; ${SEALED}`;

/**
 * redoc's own file and the document, from here; styles that it makes, by the nonce of the page; its icons are in it as
 * data. No eval, no other host: its telemetry is off, and could not be sent; nor is its maker's logo loaded.
 */
export function drawnCsp(nonce: string): string {
  return `default-src 'none'; script-src 'self'; style-src 'nonce-${nonce}'; img-src data:; font-src data:; connect-src 'self'; ${SEALED}`;
}

export interface Drawn {
  title: string;
  /** path of the document */
  document: string;
  /** path of redoc's script */
  script: string;
  /** new for each answer; redoc finds it in the `meta` */
  nonce: string;
}

export function drawnPage({ title, document, script, nonce }: Drawn): string {
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta property="csp-nonce" content="${nonce}"><title>onsale: ${title}</title>
<script type="module" src="${script}"></script></head>
<body>
<redoc spec-url="${document}" disable-telemetry="true"></redoc>
<noscript>Drawn by a script. As text: <a href="${document}">${document}</a>, <a href="/docs">index</a>.</noscript>
</body></html>
`;
}

export function indexPage(openApi: object, asyncApi: object): string {
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>onsale: calls and messages</title>
<style>${STYLE}</style></head>
<body>
<header><a href="/docs">onsale API</a><a href="/">Fan’s pages</a><a href="/console">Console</a></header>
<main>
<h1>Calls and messages</h1>
<p><a href="/docs/calls">All calls</a> with their schemas and examples, <a href="/docs/messages">all messages</a> of the
WebSocket, <a href="#errors">errors</a>. For machines: <a href="/openapi.json">openapi.json</a> (HTTP),
<a href="/asyncapi.json">asyncapi.json</a> (WebSocket).</p>
${calls(members(openApi))}
${messages(members(asyncApi))}
${errors()}
</main>
</body></html>
`;
}

function calls(openApi: Json): string {
  const rows = Object.entries(members(openApi.paths)).flatMap(([path, methods]) =>
    Object.entries(members(methods)).map(([method, operation]) => {
      const { operationId, summary, tags } = operation as { operationId: string; summary: string; tags: string[] };
      const link = `/docs/calls#tag/${tags[0]}/${operationId}`;
      return `<tr><td><a href="${text(link)}"><code>${text(method.toUpperCase())} ${text(path)}</code></a></td><td>${text(summary)}</td></tr>`;
    }),
  );
  return `<section><h2>Calls</h2>\n<table>${rows.join('\n')}</table></section>`;
}

function messages({ components, info }: Json): string {
  const rows = Object.entries(members(members(components).messages)).map(
    ([name, message]) => `<tr><td><code>${text(name)}</code></td><td>${text(members(message).summary ?? '')}</td></tr>`,
  );
  return `<section><h2>WebSocket</h2>\n<p>${text(members(info).description ?? '')}</p>\n<table>${rows.join('\n')}</table></section>`;
}

function errors(): string {
  const rows = Object.entries(ERRORS).map(
    ([code, { status, title, detail }]) =>
      `<tr id="${code}"><td>${status}</td><td><code>${code}</code></td><td>${text(title)}. ${text(detail)}</td></tr>`,
  );
  return `<section><h2 id="errors">Errors</h2>\n<table>${rows.join('\n')}</table></section>`;
}

function members(value: unknown): Json {
  return typeof value === 'object' && value !== null ? (value as Json) : {};
}

function text(value: unknown): string {
  return String(value).replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
