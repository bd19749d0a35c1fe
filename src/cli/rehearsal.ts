import { connect } from 'node:net';
import type { Config } from '../config/config.ts';
import { CupbearerError, type ErrorCode } from '../errors.ts';
import type { TokenSources } from '../gateway/compile.ts';
import type { Exchange } from '../gateway/record.ts';
import { createLog } from '../telemetry/log.ts';
import { systemClock } from '../token/clock.ts';
import { Tenants } from '../token/tenants.ts';
import type { TokenSource } from '../token/token.ts';
import { startProxy } from './proxy.ts';

/** What the proxy makes of a request before it would get a token. */
export interface Verdict {
  /** A token would be got and the request forwarded. */
  readonly isForwarded: boolean;
  /** Of the answer, when it is not forwarded. */
  readonly status: number;
  /** The problem details of the answer (RFC 9457); undefined for an answer that is none, or has no body. */
  readonly problem: ProblemDetails | undefined;
  /** Undefined for an answer that is no refusal. */
  readonly code: ErrorCode | undefined;
  readonly caller: string | undefined;
  readonly route: string | undefined;
}

export interface ProblemDetails {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
}

const answerMs = 5_000;
const endMs = 1_000;

/**
 * Has the data path itself, on a loopback port of its own, decide about a request as raw bytes. Its credentials have no
 * tokens, so nothing goes to a provider or an upstream. Rejects when no port can be bound.
 */
export async function rehearse(config: Config, request: Buffer): Promise<Verdict> {
  const ended = Promise.withResolvers<Exchange | undefined>();
  let isForwarded = false;
  const proxy = await startProxy({
    config: { ...config, server: rehearsing(config.server) },
    tokens: tokenless(config, () => {
      isForwarded = true;
    }),
    log: createLog({ level: 'silent', stream: { write() {} } }),
    clock: systemClock,
    via: 'cupbearer',
    onEnd: ended.resolve,
  });
  const socket = connect(Number(new URL(proxy.url).port), '127.0.0.1');
  let answer: string;
  let record: Exchange | undefined;
  try {
    answer = await answerOn(socket, request);
    socket.destroy();
    // What is over may be told a moment after its answer.
    const late = setTimeout(ended.resolve, endMs, undefined);
    record = await ended.promise;
    clearTimeout(late);
  } finally {
    socket.destroy();
    await proxy.stop();
  }
  const { caller, route, error }: Partial<Exchange> = record ?? {};
  const [, status = '0'] = /^HTTP\/1\.1 (\d{3})/.exec(answer) ?? [];
  return {
    isForwarded,
    status: Number(status),
    problem: isForwarded ? undefined : problemIn(answer),
    code: isForwarded ? undefined : error,
    caller,
    route,
  };
}

function rehearsing(server: Config['server']): Config['server'] {
  const listen = { kind: 'tcp', host: '127.0.0.1', port: 0 } as const;
  return { ...server, listen, tls: undefined, workers: 1, shutdown_grace: 100 };
}

/** Sources that tell when they are asked for a token, and have none; tenants are checked as ever. */
function tokenless({ credentials }: Config, onAsked: () => void): TokenSources {
  const source: TokenSource = {
    acquire() {
      onAsked();
      throw new CupbearerError('token-unavailable', 'nothing is sent');
    },
    rejected: async () => undefined,
    accepted() {},
  };
  return {
    get(credential, tenant) {
      const bounds = credentials[credential]?.tenant;
      if (bounds === undefined) return source;
      return new Tenants(credential, bounds, () => ({ ...source, pinned: false })).get(tenant);
    },
  };
}

/** The final answer to a request, as text of one character a byte; what came of it when the connection ends early. */
function answerOn(socket: ReturnType<typeof connect>, request: Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const late = () => reject(new CupbearerError('internal', 'the rehearsal of the request had no answer'));
    const timer = setTimeout(late, answerMs);
    const done = () => {
      clearTimeout(timer);
      resolve(text);
    };
    socket.on('data', (chunk: Buffer) => {
      text = (text + chunk.toString('latin1')).replace(
        /^(?:HTTP\/1\.1 1\d\d [^\r]*\r\n(?:[^\r]+\r\n)*\r\n)+/,
        '',
      );
      if (isWhole(text, request)) done();
    });
    socket.once('error', done).once('close', done);
    socket.write(request);
  });
}

function isWhole(text: string, request: Buffer): boolean {
  const head = text.indexOf('\r\n\r\n');
  if (head === -1) return false;
  const [, length = '0'] = /^content-length: (\d+)$/im.exec(text.slice(0, head)) ?? [];
  return request.subarray(0, 5).toString() === 'HEAD ' || text.length >= head + 4 + Number(length);
}

function problemIn(answer: string): ProblemDetails | undefined {
  const body = answer.slice(answer.indexOf('\r\n\r\n') + 4);
  try {
    const { type, title, status, detail } = JSON.parse(Buffer.from(body, 'latin1').toString('utf8'));
    return { type, title, status, detail };
  } catch {
    return undefined;
  }
}
