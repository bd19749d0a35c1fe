import type { Readable } from 'node:stream';
import { CupbearerError } from '../errors.ts';
import type { TokenHttpRequest } from '../provider/request.ts';
import { tlsFault } from '../tls-faults.ts';
import { request } from '../undici.ts';
import { decoded } from './decode.ts';
import type { Failure } from './failure.ts';
import { TlsAgents, type TlsFiles } from './tls-agents.ts';

export interface TokenHttpAnswer {
  readonly status: number;
  readonly contentType: string | undefined;
  readonly date: string | undefined;
  readonly retryAfter: string | undefined;
  /** Where a redirect leads. */
  readonly location?: string | undefined;
  readonly body: string;
}

/** The way to token endpoints. */
export interface TokenHttp {
  /** The answer, whatever its status, or why there is none. `tls` may be read anew at each call. Never rejects. */
  send(message: TokenHttpRequest, signal: AbortSignal, tls?: TlsFiles): Promise<TokenHttpAnswer | Failure>;
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
  const agents = new TlsAgents({
    allowH2: false,
    pipelining: 0,
    connect: { timeout: connectMs },
    headersTimeout: answerMs,
    bodyTimeout: answerMs,
  });
  return {
    async send({ method, url, headers, body }, signal, tls) {
      try {
        const dispatcher = await agents.get(tls);
        const answer = await request(url, {
          method: method as 'POST',
          headers: withDefaults(headers),
          body: body ?? null,
          dispatcher,
          signal,
        });
        const field = (name: string) => [answer.headers[name]].flat()[0];
        const bytes = await readBounded(answer.body, field('content-length'));
        if (bytes === undefined) {
          return badAnswer(answer.statusCode, 'answer_too_large', 'the answer is larger than 1 MiB');
        }
        const text = decoded(bytes, field('content-encoding') ?? '', maxBodyBytes)?.toString('utf8');
        if (text === undefined) {
          const why = 'the answer is compressed, although not asked for, and cannot be read';
          return badAnswer(answer.statusCode, 'encoded_answer', why);
        }
        return {
          status: answer.statusCode,
          contentType: field('content-type'),
          date: field('date'),
          retryAfter: field('retry-after'),
          location: field('location'),
          body: text,
        };
      } catch (error) {
        if (error instanceof CupbearerError) {
          return { kind: 'config', error: error.code, detail: error.message, unsent: true };
        }
        return transportFailure(error, url.startsWith('https:'), tls);
      }
    },
    close: () => agents.destroy(),
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

async function readBounded(body: Readable, contentLength: string | undefined): Promise<Buffer | undefined> {
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
  return Buffer.concat(chunks);
}

const untrusted =
  /^(?:ERR_TLS_CERT_|CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|HOSTNAME_MISMATCH|UNSPECIFIED)/;
const handshake = /^(?:ERR_TLS_|ERR_SSL_)/;

/** What a failed transport means; only the error's code is kept, its message may hold what was sent. */
function transportFailure(error: unknown, isTls: boolean, { cert }: TlsFiles = {}): Failure {
  const first = error instanceof AggregateError ? error.errors[0] : error;
  const { code, syscall, name } = (first ?? {}) as { code?: unknown; syscall?: unknown; name?: unknown };
  const text = typeof code === 'string' && /^[A-Z0-9_]{1,64}$/.test(code) ? code : String(name ?? 'error');
  const unsent =
    syscall === 'connect' ||
    syscall === 'getaddrinfo' ||
    text === 'UND_ERR_CONNECT_TIMEOUT' ||
    handshake.test(text) ||
    untrusted.test(text);
  return {
    kind: 'transient',
    error: text,
    detail: reasonFor(text, { unsent, isTls, isMutual: cert !== undefined }),
    unsent,
  };
}

/** What it is with connections that were never made. */
const unmade: Readonly<Record<string, string>> = {
  ENOTFOUND: 'the name of the token endpoint does not resolve; check the host in token.url, and DNS',
  EAI_AGAIN: 'the name of the token endpoint does not resolve; check the host in token.url, and DNS',
  ECONNREFUSED:
    'the token endpoint does not accept connections; check the address in token.url, and that it runs',
  UND_ERR_CONNECT_TIMEOUT:
    'connecting to the token endpoint took too long; check the address in token.url, and the network',
};

/** A server that wants another client certificate may just hang up: with TLS 1.3 the handshake has ended by then. */
function reasonFor(
  code: string,
  {
    unsent,
    isTls,
    isMutual,
  }: { readonly unsent: boolean; readonly isTls: boolean; readonly isMutual: boolean },
): string {
  const advice = isMutual ? '; check tls.cert and tls.key of the credential' : '';
  if (!unsent) {
    const missing =
      isTls && !isMutual
        ? '; if it asks for a client certificate, set tls.cert and tls.key of the credential'
        : advice;
    return `the connection to the token endpoint broke${missing}`;
  }
  if (isMutual && /ALERT_/.test(code)) return `the token endpoint refused the TLS handshake${advice}`;
  const fault = tlsFault(code, ' of the credential');
  if (fault !== undefined) return `no TLS connection to the token endpoint: ${fault}`;
  if (untrusted.test(code))
    return 'the certificate of the token endpoint is not trusted; check tls.ca of the credential';
  return unmade[code] ?? `no connection to the token endpoint${handshake.test(code) ? advice : ''}`;
}

function badAnswer(status: number, error: string, detail: string): Failure {
  return { kind: 'bad_answer', error, status, detail };
}
