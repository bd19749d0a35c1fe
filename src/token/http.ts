import type { Readable } from 'node:stream';
import { Agent, request } from 'undici';
import type { TokenHttpRequest } from '../provider/request.ts';
import type { Failure } from './failure.ts';

export interface TokenHttpAnswer {
  readonly status: number;
  readonly contentType: string | undefined;
  readonly date: string | undefined;
  readonly retryAfter: string | undefined;
  readonly body: string;
}

/** The way to token endpoints. */
export interface TokenHttp {
  /** The answer, whatever its status, or why there is none. Never rejects. */
  send(message: TokenHttpRequest, signal: AbortSignal): Promise<TokenHttpAnswer | Failure>;
  /** Closes what is open; requests in progress fail. */
  close(): Promise<void>;
}

const maxBodyBytes = 1024 * 1024;
const connectMs = 3_000;
const answerMs = 30_000;

/**
 * Token requests on connections of their own: HTTP/1.1, a fresh connection each (a reused one may be closed under a
 * request that must not be sent twice), no redirects, no repetitions, no proxy from the environment, at most 1 MiB.
 */
export function createTokenHttp(): TokenHttp {
  const agent = new Agent({
    allowH2: false,
    pipelining: 0,
    connect: { timeout: connectMs },
    headersTimeout: answerMs,
    bodyTimeout: answerMs,
  });
  return {
    async send({ method, url, headers, body }, signal) {
      try {
        const answer = await request(url, {
          method: method as 'POST',
          headers: withDefaults(headers),
          body: body ?? null,
          dispatcher: agent,
          signal,
        });
        const field = (name: string) => [answer.headers[name]].flat()[0];
        const encoding = field('content-encoding') ?? 'identity';
        if (encoding.toLowerCase() !== 'identity') {
          discard(answer.body);
          return badAnswer(
            answer.statusCode,
            'encoded_answer',
            'the answer is compressed, although not asked for',
          );
        }
        const text = await readBounded(answer.body, field('content-length'));
        if (text === undefined) {
          return badAnswer(answer.statusCode, 'answer_too_large', 'the answer is larger than 1 MiB');
        }
        return {
          status: answer.statusCode,
          contentType: field('content-type'),
          date: field('date'),
          retryAfter: field('retry-after'),
          body: text,
        };
      } catch (error) {
        return transportFailure(error);
      }
    },
    close: () => agent.destroy(),
  };
}

function withDefaults(headers: readonly (readonly [string, string])[]): string[] {
  const given = new Set(headers.map(([name]) => name.toLowerCase()));
  const flat = headers.flat();
  if (!given.has('accept-encoding')) flat.push('accept-encoding', 'identity');
  if (!given.has('user-agent')) flat.push('user-agent', 'cupbearer');
  return flat;
}

/** Drops a body unread, and with it the connection; the error that undici reports for that is no news. */
function discard(body: Readable): void {
  body.on('error', () => undefined);
  body.destroy();
}

async function readBounded(body: Readable, contentLength: string | undefined): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  if (Number(contentLength ?? 0) > maxBodyBytes) {
    discard(body);
    return undefined;
  }
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > maxBodyBytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

const handshake = /^(?:ERR_TLS_|ERR_SSL_|CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|HOSTNAME_MISMATCH)/;

/** What a failed transport means; only the error's code is kept, its message may hold what was sent. */
function transportFailure(error: unknown): Failure {
  const first = error instanceof AggregateError ? error.errors[0] : error;
  const { code, syscall, name } = (first ?? {}) as { code?: unknown; syscall?: unknown; name?: unknown };
  const text = typeof code === 'string' && /^[A-Z0-9_]{1,64}$/.test(code) ? code : String(name ?? 'error');
  const unsent =
    syscall === 'connect' ||
    syscall === 'getaddrinfo' ||
    text === 'UND_ERR_CONNECT_TIMEOUT' ||
    handshake.test(text);
  return {
    kind: 'transient',
    error: text,
    detail: unsent ? 'no connection to the token endpoint' : 'the connection to the token endpoint broke',
    unsent,
  };
}

function badAnswer(status: number, error: string, detail: string): Failure {
  return { kind: 'bad_answer', error, status, detail };
}
