import { brotliDecompressSync, gunzipSync, inflateSync } from 'node:zlib';

/**
 * A body without its content coding (RFC 9110 §8.4.1); undefined when the coding is unknown, the body is not of it, or
 * longer than `maxBytes`. Some servers compress although nobody asked, and what they answered cannot be asked for again.
 */
export function decoded(body: Buffer, coding: string, maxBytes: number): Buffer | undefined {
  const options = { maxOutputLength: maxBytes };
  try {
    switch (coding.trim().toLowerCase()) {
      case '':
      case 'identity':
        return body;
      case 'gzip':
      case 'x-gzip':
        return gunzipSync(body, options);
      case 'deflate':
        return inflateSync(body, options);
      case 'br':
        return brotliDecompressSync(body, options);
      default:
        return undefined;
    }
  } catch {
    return undefined;
  }
}
