/**
 * Whether a body follows. uWS believes the first of two Content-Length headers and takes any Transfer-Encoding for
 * `chunked`; a proxy in front may read them otherwise, and one request would be two. (Both headers at once, and a
 * length that is no number, it refuses itself.)
 */
export function framingOf(headers: ReadonlyMap<string, string>): { hasBody: boolean; length: number; fault?: string } {
  const length = headers.get('content-length');
  const encoding = headers.get('transfer-encoding');
  if (encoding !== undefined && encoding.toLowerCase() !== 'chunked')
    return { hasBody: true, length: 0, fault: 'Transfer-Encoding can only be chunked' };
  if (length === undefined) return { hasBody: encoding !== undefined, length: 0 };
  const [only = '0', ...others] = length.includes(',') ? length.split(',') : [length];
  if (others.some((other) => other !== only))
    return { hasBody: true, length: 0, fault: 'Content-Length is given twice, differently' };
  return { hasBody: only !== '0', length: Number(only) };
}
