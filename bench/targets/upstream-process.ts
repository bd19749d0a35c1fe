// The process behind upstream.ts. A token says itself whose it is, how many the client had been given, and how long it
// lives: any number of them costs no memory here.
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { answerEach, argument } from './asking.ts';
import { takeSlowly } from './slowly.ts';
import { bytesPath, sinkPath, type TokenRules, tokenPath, type UpstreamQuestion } from './upstream.ts';

const { lifetimeSeconds, delayMs } = argument<TokenRules>();
const json = ['Content-Type', 'application/json'];
const item = Buffer.from(JSON.stringify({ id: 1, pad: 'x'.repeat(1024 - 17) }));
const itemHead = [...json, 'Content-Length', String(item.length)];
const chunk = Buffer.alloc(64 * 1024, 'x');

const given = new Map<string, number>();
/** The first token of a client that is not revoked. */
const firstGood = new Map<string, number>();
let tokens = 0;
let refused = 0;
let expired = 0;

const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
  const { url = '' } = request;
  if (url === tokenPath) {
    request.resume();
    tokens++;
    if (delayMs === 0) give(request, response);
    else setTimeout(give, delayMs, request, response);
  } else if (!isInForce(request.headers.authorization)) {
    request.resume();
    response.writeHead(401, [...json, 'Content-Length', '2']).end('{}');
  } else if (url.startsWith(bytesPath)) {
    request.resume();
    pour(response, amountOf(url));
  } else if (url.startsWith(sinkPath)) {
    takeSlowly(request, amountOf(url));
    request.on('end', () => response.writeHead(200, itemHead).end(item));
  } else {
    request.resume();
    response.writeHead(200, itemHead).end(item);
  }
});

/** The client is who authenticates with Basic (RFC 6749 §2.3.1). */
function give({ headers }: IncomingMessage, response: ServerResponse): void {
  const basic = headers.authorization?.replace(/^Basic /, '') ?? '';
  const client = Buffer.from(basic, 'base64').toString().split(':')[0] ?? '';
  const count = (given.get(client) ?? 0) + 1;
  given.set(client, count);
  const access_token = `${client}.${count}.${Date.now() + lifetimeSeconds * 1000}.${randomUUID()}`;
  const answer = { access_token, token_type: 'Bearer', expires_in: lifetimeSeconds };
  response.writeHead(200, json).end(JSON.stringify(answer));
}

function isInForce(authorization = ''): boolean {
  const [client = '', count, end] = authorization.slice('Bearer '.length).split('.');
  if (end === undefined || Number(count) < (firstGood.get(client) ?? 0)) refused++;
  else if (Date.now() > Number(end)) expired++;
  else return true;
  return false;
}

function amountOf(url: string): number {
  return Number(url.slice(url.lastIndexOf('/') + 1));
}

/** Writes as fast as it is taken, the same chunk again and again. */
function pour(response: ServerResponse, bytes: number): void {
  response.writeHead(200, { 'Content-Type': 'application/octet-stream', 'Content-Length': bytes });
  let left = bytes;
  const more = () => {
    while (left > 0) {
      const piece = left < chunk.length ? chunk.subarray(0, left) : chunk;
      left -= piece.length;
      if (!response.write(piece) && left > 0) return void response.once('drain', more);
    }
    response.end();
  };
  more();
}

server.listen(0, '127.0.0.1', 8192);
await once(server, 'listening');
const { port } = server.address() as AddressInfo;
answerEach(({ revoke }: UpstreamQuestion) => {
  if (revoke !== undefined) firstGood.set(revoke, (given.get(revoke) ?? 0) + 1);
  return { port, tokens, refused, expired };
});
