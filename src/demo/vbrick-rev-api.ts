import { createHash, randomUUID } from 'node:crypto';
import type { Answer } from './message.ts';
import type { Endpoint } from './vendor.ts';

const videos = [
  { id: 'c6f1b0a2', title: 'Town hall', duration: '00:42:10' },
  { id: '9d3e77f4', title: 'Safety briefing', duration: '00:07:31' },
];

/** What there is to call with a token. */
export const apiEndpoints: readonly Endpoint[] = [
  {
    method: 'GET',
    path: /^\/api\/v2\/user\/session$/,
    answer: (_request, token) => ({
      status: 200,
      json: { userId: token.facts.userId, expiration: new Date(token.expiresAt).toISOString() },
    }),
  },
  {
    method: 'GET',
    path: /^\/api\/v2\/videos$/,
    answer: () => ({ status: 200, json: { totalVideos: videos.length, videos } }),
  },
  {
    method: 'GET',
    path: /^\/api\/v2\/videos\/\w+\/download$/,
    answer({ query }) {
      const bytes = Math.max(0, Math.floor(Number(query.get('bytes') ?? 1024 * 1024))) || 0;
      return {
        status: 200,
        headers: { 'Content-Type': 'video/mp4', 'Content-Length': String(bytes) },
        stream: recording(bytes),
      };
    },
  },
  {
    method: 'POST',
    path: /^\/api\/v2\/uploads\/videos$/,
    streams: true,
    async answer({ incoming }) {
      const hash = createHash('sha256');
      let bytes = 0;
      for await (const piece of incoming as AsyncIterable<Buffer>) {
        hash.update(piece);
        bytes += piece.length;
      }
      return { status: 201, json: { videoId: randomUUID(), bytes, sha256: hash.digest('hex') } };
    },
  },
];

/** The first `bytes` bytes of a video of any length; the byte at offset n is n mod 256. */
export async function* recording(bytes: number): AsyncGenerator<Buffer> {
  const piece = Buffer.from(Array.from({ length: 65_536 }, (_, n) => n & 0xff));
  for (let left = bytes; left > 0; left -= piece.length)
    yield left < piece.length ? piece.subarray(0, left) : piece;
}

/** `{code, detail}` is what Rev's own client reads; "429 is plain text" there. */
export function revError(status: number, detail: string): Answer {
  if (status === 429) return { status, text: detail };
  const codes: Record<number, string> = { 400: 'BadRequest', 401: 'Unauthorized', 404: 'NotFound' };
  return { status, json: { code: codes[status] ?? 'Error', detail } };
}
