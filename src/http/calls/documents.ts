/** The documents of the API, and the page that shows them. Made once, when first asked for. */
import { serialised } from '../answer.ts';
import { DOCS_CSP, docsPage } from '../docs-page.ts';
import type { HttpApp } from '../http-app.ts';

export async function openApi({ documents }: HttpApp) {
  return serialised(JSON.stringify(documents.openApi));
}

export async function asyncApi({ documents }: HttpApp) {
  return serialised(JSON.stringify(documents.asyncApi));
}

export async function page({ documents }: HttpApp) {
  return serialised(docsPage(documents.openApi, documents.asyncApi), { 'Content-Security-Policy': DOCS_CSP });
}
