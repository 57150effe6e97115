/** `If-None-Match`: `*`, or tags of which each may be weak. */
export function names(ifNoneMatch: string, etag: string): boolean {
  if (ifNoneMatch === etag) return true;
  return ifNoneMatch.split(',').some((tag) => {
    const plain = tag.trim();
    return plain === '*' || plain === etag || plain === `W/${etag}`;
  });
}
