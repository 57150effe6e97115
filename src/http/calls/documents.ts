/** The documents of the API, made once, and the pages that show them. */
import { randomBytes } from 'node:crypto';
import { refuse } from '../../errors.ts';
import { serialised } from '../answer.ts';
import { assetReply, type Wanted } from '../assets.ts';
import { drawnCsp, drawnPage, INDEX_CSP, indexPage } from '../docs-page.ts';
import type { HttpApp } from '../http-app.ts';
import { redoc } from '../redoc.ts';

const texts = new WeakMap<object, string>();

export async function openApi({ documents }: HttpApp) {
  return serialised(textOf(documents.openApi));
}

export async function asyncApi({ documents }: HttpApp) {
  return serialised(textOf(documents.asyncApi));
}

/** Hundreds of kilobytes, which never change: serialised when first asked for. */
function textOf(document: object): string {
  const text = texts.get(document) ?? JSON.stringify(document);
  texts.set(document, text);
  return text;
}

export async function documentsPage({ documents }: HttpApp) {
  return serialised(indexPage(documents.openApi, documents.asyncApi), { 'Content-Security-Policy': INDEX_CSP });
}

export const callsPage = () => drawn('calls', '/openapi.json');
export const messagesPage = () => drawn('messages', '/asyncapi.json');

async function drawn(title: string, document: string) {
  const { name } = await redoc();
  const nonce = randomBytes(16).toString('base64url');
  const page = drawnPage({ title, document, script: `/docs/${name}`, nonce });
  return serialised(page, { 'Content-Security-Policy': drawnCsp(nonce) });
}

export async function drawer(_app: HttpApp, { params, ...wanted }: Wanted & { params: { name: string } }) {
  const { name, asset } = await redoc();
  return params.name === name ? assetReply(asset, wanted) : refuse('NOT_FOUND');
}
