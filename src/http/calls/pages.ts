/** The pages of fans and operators: files that are built from src/web/. */
import { refuse } from '../../errors.ts';
import { assetReply, type Wanted } from '../assets.ts';
import type { HttpApp } from '../http-app.ts';

/** Own scripts, styles and pictures, own API and WebSocket, and nobody else's. */
const PAGE_CSP = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

export const fanPage = (app: HttpApp, wanted: Wanted) => html(app, 'index.html', wanted);
export const consolePage = (app: HttpApp, wanted: Wanted) => html(app, 'console.html', wanted);

export async function asset({ assets }: HttpApp, { params, ...wanted }: Wanted & { params: { name: string } }) {
  const found = params.name.endsWith('.html') ? undefined : assets.get(params.name);
  return found ? assetReply(found, wanted) : refuse('NOT_FOUND');
}

async function html({ assets }: HttpApp, name: string, { acceptEncoding, ifNoneMatch }: Wanted) {
  const found = assets.get(name);
  const headers = { 'Content-Security-Policy': PAGE_CSP };
  return found ? assetReply(found, { acceptEncoding, ifNoneMatch, headers }) : refuse('NOT_FOUND');
}
