import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Config, Route } from '../config/config.ts';
import { isLinkLocal } from '../config/reach.ts';
import { CupbearerError, type ErrorCode } from '../errors.ts';
import { createConnector } from '../gateway/connector.ts';
import { upstreamError } from '../gateway/upstream-error.ts';
import { connectOptions } from '../gateway/upstreams.ts';
import { systemClock } from '../token/clock.ts';
import { bounded } from './bounded.ts';
import { type CertificateFacts, certificateFacts } from './certificate-facts.ts';
import type { Finding } from './online-result.ts';

/** What was found of an upstream; what does not apply is absent. */
export interface CheckedUpstream extends Finding {
  /** `https://host[:port]` */
  readonly upstream: string;
  /** The routes that connect to it alike. */
  readonly routes: readonly string[];
  /** The IP address that was connected to. */
  readonly address?: string;
  readonly tls?: CertificateFacts & {
    /** `TLSv1.3` */
    readonly version: string;
    /** The protocol that was agreed on: `h2` or `http/1.1`; absent when the server agreed on none. */
    readonly alpn?: string;
  };
  readonly error?: { readonly code: ErrorCode; readonly detail: string };
  readonly ms: number;
}

const atATime = 8;
const soonDays = 14;
/** How long a server that wants a client certificate may take to say so, once TLS 1.3 has begun for us. */
const lateAlertMs = 250;

/**
 * Connects to each upstream as the proxy would, TLS included, and hangs up: no request is sent. Routes that connect
 * alike are one. Rejects for nothing but a defect.
 */
export function checkUpstreams({ routes }: Config, timeoutMs: number): Promise<CheckedUpstream[]> {
  const groups = Map.groupBy(routes, ({ upstream, tls, timeout, http2 }) =>
    JSON.stringify([upstream.origin, tls.ca, tls.cert, tls.key, timeout.connect, http2]),
  );
  return bounded([...groups.values()], atATime, (group) => check(group, timeoutMs));
}

async function check(group: readonly Route[], timeoutMs: number): Promise<CheckedUpstream> {
  const [route] = group as readonly [Route];
  const { origin } = route.upstream;
  const about = { upstream: origin, routes: group.map(({ prefix }) => prefix) };
  const started = systemClock.mono();
  const took = () => ({ ms: Math.round(systemClock.mono() - started) });
  try {
    const socket = await connected(route, timeoutMs);
    const found = findingOf(socket, route);
    const late = await lateFault(socket);
    socket.destroy();
    if (late !== undefined) throw late;
    return { ...about, ...found, ...took() };
  } catch (error) {
    const { code, message } = upstreamError(error, route.prefix, origin);
    const text = message.replace(`route ${route.prefix}: upstream ${origin}: `, '');
    const [detail = text, ...advice] = text.split('; ');
    return {
      ...about,
      result: 'failed',
      detail,
      ...(advice.length === 0 ? {} : { what_to_do: advice.join('; ') }),
      error: { code, detail: text },
      ...took(),
    };
  }
}

function connected(route: Route, timeoutMs: number): Promise<Socket> {
  const { protocol, host, hostname, port } = new URL(route.upstream.origin);
  return new Promise((resolve, reject) => {
    const options = connectOptions(route);
    const connect = createConnector(
      { ...options, timeout: Math.min(options.timeout, timeoutMs) },
      isLinkLocal,
    );
    connect({ protocol, host, hostname: hostname.replace(/^\[|\]$/g, ''), port }, (error, socket) =>
      error === null ? resolve(socket) : reject(error),
    );
  });
}

/**
 * With TLS 1.3 the handshake is over for us before the server has looked at our certificate. It sends a session ticket
 * or begins to speak when it is content.
 */
function lateFault(socket: Socket): Promise<unknown> {
  if (!(socket instanceof TLSSocket) || socket.getProtocol() !== 'TLSv1.3') return Promise.resolve(undefined);
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(undefined), lateAlertMs);
    const done = (fault: unknown) => {
      clearTimeout(timer);
      resolve(fault);
    };
    const closed = new CupbearerError(
      'upstream-closed',
      'it closed the connection after the TLS handshake; if it asks for a client certificate, set tls.cert and tls.key',
    );
    socket.on('error', done);
    socket.once('end', () => done(closed)).once('close', () => done(closed));
    socket.once('session', () => done(undefined)).once('data', () => done(undefined));
  });
}

function findingOf(socket: Socket, { http2 }: Route): Finding & Pick<CheckedUpstream, 'address' | 'tls'> {
  const { remoteAddress } = socket;
  const address = remoteAddress === undefined ? {} : { address: remoteAddress };
  const certificate = socket instanceof TLSSocket ? socket.getPeerX509Certificate() : undefined;
  if (!(socket instanceof TLSSocket) || certificate === undefined)
    return { result: 'ok', detail: 'connected, without TLS', ...address };
  const facts = certificateFacts(certificate, systemClock.wall());
  const alpn = typeof socket.alpnProtocol === 'string' ? { alpn: socket.alpnProtocol } : {};
  const version = socket.getProtocol() ?? '';
  const warnings = [
    ...(facts.days_left < soonDays ? [`its certificate ends in ${days(facts.days_left)}`] : []),
    ...(http2 && alpn.alpn !== 'h2' ? ['http2 is true, but it does not speak HTTP/2: HTTP/1.1 is used'] : []),
  ];
  return {
    result: warnings.length === 0 ? 'ok' : 'warning',
    detail: `${version}${alpn.alpn === 'h2' ? ', HTTP/2' : ''}, certificate of ${facts.issuer} for ${days(facts.days_left)}`,
    ...(warnings.length === 0 ? {} : { warnings }),
    ...address,
    tls: { version, ...alpn, ...facts },
  };
}

function days(count: number): string {
  return count === 1 ? '1 day' : `${count} days`;
}
