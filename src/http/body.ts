/** The body of a request, as what works on it gets it. */
export interface Body {
  /** null where there is none, where it is too long, where the work did not want it */
  text: string | null;
  /** its bytes are no UTF-8, and `text` is null */
  garbled: boolean;
  /** in bytes */
  length: number;
}

export const NO_BODY: Body = { text: null, garbled: false, length: 0 };

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Of the chunks that it came in, together so many bytes. */
export function bodyOf(chunks: readonly Uint8Array[], length: number): Body {
  const [first, ...others] = chunks;
  const bytes = first && others.length === 0 ? first : Buffer.concat(chunks);
  try {
    return { text: utf8.decode(bytes), garbled: false, length };
  } catch {
    return { text: null, garbled: true, length };
  }
}
