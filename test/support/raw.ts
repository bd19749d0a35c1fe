import { connect, createServer, type Socket } from 'node:net';
import { createSecureContext, TLSSocket } from 'node:tls';

/** One request as an upstream received it, byte for byte (latin1). */
export interface RawRequest {
  readonly method: string;
  readonly target: string;
  /** [name, value] as sent. */
  readonly fields: readonly (readonly [string, string])[];
  readonly body: Buffer;
  readonly socket: Socket;
}

export interface RawUpstream {
  readonly port: number;
  readonly requests: RawRequest[];
  /** Every byte received, on all connections. */
  bytes(): string;
  readonly connections: Set<Socket>;
  /** Connections accepted since the start. */
  accepted: number;
  /** Ends a connection with a reset. */
  reset(socket: Socket): void;
  close(): Promise<void>;
}

export type Answer = (request: RawRequest, count: number) => string | Buffer | undefined;

export const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

/**
 * An upstream on a raw socket: records what arrives and writes what `answer` returns; nothing when it returns nothing.
 * Speaks TLS when it has a certificate (PEM).
 */
export async function rawUpstream(
  answer: Answer = () => ok,
  pair?: { readonly cert: string; readonly key: string },
): Promise<RawUpstream> {
  const requests: RawRequest[] = [];
  const connections = new Set<Socket>();
  const received: Buffer[] = [];
  const beneath = new WeakMap<Socket, Socket>();
  const secureContext = pair && createSecureContext(pair);
  const server = createServer((plain) => {
    plain.on('error', () => {});
    const socket = secureContext ? new TLSSocket(plain, { isServer: true, secureContext }) : plain;
    beneath.set(socket, plain);
    upstream.accepted++;
    connections.add(socket);
    socket.on('close', () => connections.delete(socket));
    socket.on('error', () => {});
    let pending: Buffer = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => {
      received.push(chunk);
      pending = Buffer.concat([pending, chunk]);
      for (
        let parsed = parseRequest(pending, socket);
        parsed !== undefined;
        parsed = parseRequest(pending, socket)
      ) {
        pending = pending.subarray(parsed.length);
        requests.push(parsed.request);
        const bytes = answer(parsed.request, requests.length);
        if (bytes !== undefined) socket.write(bytes);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const upstream: RawUpstream = {
    port: (server.address() as { port: number }).port,
    requests,
    connections,
    accepted: 0,
    bytes: () => Buffer.concat(received).toString('latin1'),
    reset: (socket) => void beneath.get(socket)?.resetAndDestroy(),
    close: () =>
      new Promise((resolve) => {
        for (const socket of connections) socket.destroy();
        server.close(() => resolve());
      }),
  };
  return upstream;
}

function parseRequest(bytes: Buffer, socket: Socket): { request: RawRequest; length: number } | undefined {
  const headEnd = bytes.indexOf('\r\n\r\n');
  if (headEnd === -1) return undefined;
  const [line = '', ...fieldLines] = bytes.subarray(0, headEnd).toString('latin1').split('\r\n');
  const [method = '', target = ''] = line.split(' ');
  const fields = fieldLines.map((text) => {
    const colon = text.indexOf(':');
    return [text.slice(0, colon), text.slice(colon + 1).trim()] as const;
  });
  const start = headEnd + 4;
  const value = (name: string) => fields.find(([key]) => key.toLowerCase() === name)?.[1];
  if (value('transfer-encoding') !== undefined) {
    const chunked = parseChunks(bytes.subarray(start));
    return (
      chunked && {
        request: { method, target, fields, body: chunked.body, socket },
        length: start + chunked.length,
      }
    );
  }
  const length = Number(value('content-length') ?? 0);
  if (bytes.length < start + length) return undefined;
  const body = Buffer.from(bytes.subarray(start, start + length));
  return { request: { method, target, fields, body, socket }, length: start + length };
}

function parseChunks(bytes: Buffer): { body: Buffer; length: number } | undefined {
  const parts: Buffer[] = [];
  for (let at = 0; ; ) {
    const lineEnd = bytes.indexOf('\r\n', at);
    if (lineEnd === -1) return undefined;
    const size = Number.parseInt(bytes.subarray(at, lineEnd).toString('latin1'), 16);
    const end = lineEnd + 2 + size + 2;
    if (bytes.length < end) return undefined;
    if (size === 0) return { body: Buffer.concat(parts), length: end };
    parts.push(Buffer.from(bytes.subarray(lineEnd + 2, lineEnd + 2 + size)));
    at = end;
  }
}

export interface RawResponse {
  readonly status: number;
  readonly head: string;
  /** [name, value] as sent. */
  readonly fields: readonly (readonly [string, string])[];
  readonly body: string;
  /** All bytes, latin1. */
  readonly text: string;
}

/** Sends bytes on a connection of their own and reads until the other side closes (at most `ms`). */
export async function rawRequest(port: number, bytes: string | Buffer, ms = 5_000): Promise<RawResponse> {
  const text = await new Promise<string>((resolve) => {
    const chunks: Buffer[] = [];
    const socket = connect(port, '127.0.0.1');
    const done = () => {
      clearTimeout(timer);
      socket.destroy();
      resolve(Buffer.concat(chunks).toString('latin1'));
    };
    const timer = setTimeout(done, ms);
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.on('error', done);
    socket.on('close', done);
    socket.write(bytes);
  });
  return parseResponse(text);
}

/** Takes a final response apart; interim ones before it are skipped. */
function parseResponse(received: string): RawResponse {
  const text = received.replace(/^(?:HTTP\/1\.1 1\d\d [^\r]*\r\n\r\n)+/, '');
  const headEnd = text.indexOf('\r\n\r\n');
  const head = headEnd === -1 ? text : text.slice(0, headEnd);
  const [line = '', ...lines] = head.split('\r\n');
  const fields = lines.map((field) => {
    const colon = field.indexOf(':');
    return [field.slice(0, colon), field.slice(colon + 1).trim()] as const;
  });
  return {
    status: Number(line.split(' ')[1] ?? 0),
    head,
    fields,
    body: headEnd === -1 ? '' : text.slice(headEnd + 4),
    text,
  };
}

/** The values of all fields called `name`, in order. */
export function values(
  message: { readonly fields: readonly (readonly [string, string])[] },
  name: string,
): string[] {
  return message.fields.filter(([key]) => key.toLowerCase() === name.toLowerCase()).map(([, value]) => value);
}
