import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { type IssuedToken, Ledger } from './ledger.ts';
import type { Answer, Handshake, VendorRequest } from './message.ts';
import type { Definition, Endpoint, SeenRequest, TokenFailure, Vendor, VendorOptions } from './vendor.ts';
import { listenOnLoopback, refuseHandshake } from './vendor-listener.ts';

const seenLimit = 10_000;
const bodyLimit = 8 * 1024 * 1024;
const nobody: IssuedToken = { value: '', expiresAt: 0, facts: {} };

/** Starts the vendor that `define` describes; `url` is where it listens. `lifetime` is in seconds. */
export async function startVendor<H extends object>(
  lifetime: number,
  define: (ledger: Ledger, url: string) => Definition<H>,
  options: VendorOptions = {},
): Promise<Vendor & H> {
  const now = options.now ?? Date.now;
  const ledger = new Ledger(now, lifetime);
  const closing = new AbortController();
  const seen: SeenRequest[] = [];
  const failures: TokenFailure[] = [];
  const count = { token: 0, api: 0, refusals: 0 };
  let delay = 0;
  let hold = 0;
  let refusing = false;

  /** `act` as a token call: counted, delayed, and failing when it was told to. */
  async function answerToken(act: () => Answer | Promise<Answer>): Promise<Answer | 'cut'> {
    count.token++;
    if (delay > 0) await sleep(delay, undefined, { signal: closing.signal });
    const failure = failures.shift();
    if (failure?.how === 'reset') return 'cut';
    if (failure !== undefined && failure.how !== 'lost') {
      const answer = definition.error(failure.status ?? 503, 'The service is temporarily unavailable.');
      return { ...answer, headers: { ...answer.headers, ...failure.headers } };
    }
    const answer = await act();
    if (hold > 0) await sleep(hold, undefined, { signal: closing.signal });
    return failure === undefined ? answer : 'cut';
  }

  async function answerEndpoint(
    request: VendorRequest,
    matching: readonly Endpoint[],
  ): Promise<Answer | 'cut'> {
    const method = request.method === 'HEAD' ? 'GET' : request.method;
    const endpoint = matching.find((one) => one.method === method);
    if (endpoint === undefined) return notAllowed(matching.map((one) => one.method));
    const found = endpoint.path.exec(request.path)?.slice(1) ?? [];
    const act = () => {
      if (endpoint.open) return endpoint.answer(request, nobody, found);
      const token = definition.authorize(refusing ? { ...request, authorization: [] } : request);
      return 'facts' in token ? endpoint.answer(request, token, found) : token;
    };
    if (endpoint.issues) return answerToken(act);
    if (endpoint.open) return act();
    count.api++;
    const answer = await act();
    if (answer.status === 401) count.refusals++;
    return answer;
  }

  function notAllowed(methods: readonly string[]): Answer {
    return { ...definition.error(405, 'Method not allowed.'), headers: { Allow: methods.join(', ') } };
  }

  async function handle(
    incoming: IncomingMessage,
    outgoing: ServerResponse,
    handshake?: Handshake,
  ): Promise<void> {
    const record = recordOf(incoming);
    outgoing.setHeader('Date', new Date(now()).toUTCString());
    seen.push(record);
    if (seen.length > seenLimit) seen.shift();
    outgoing.on('close', () => {
      record.aborted = !outgoing.writableFinished;
    });
    const [path = '', query = ''] = splitOnce(record.path, '?');
    const matching = definition.endpoints.filter((one) => one.path.test(path));
    if (!handshake && !matching.some((one) => one.streams && one.method === incoming.method))
      record.body = await readText(incoming);
    const request: VendorRequest = {
      method: record.method,
      path,
      query: new URLSearchParams(query),
      headers: incoming.headers,
      authorization: incoming.headersDistinct.authorization ?? [],
      body: record.body,
      incoming,
      ...(handshake === undefined ? {} : { handshake }),
    };
    let answer: Answer | 'cut';
    if (path === definition.tokenPath) {
      answer = await answerToken(() =>
        request.method === 'POST' ? definition.token(request) : notAllowed(['POST']),
      );
    } else if (matching.length > 0) answer = await answerEndpoint(request, matching);
    else answer = definition.error(404, 'Not found.');
    if (answer === 'cut') {
      incoming.socket.resetAndDestroy();
      return;
    }
    record.status = answer.status;
    await send(answer, outgoing, handshake);
  }

  const { url, close } = await listenOnLoopback({
    port: options.port,
    upgrades: (target) =>
      definition.endpoints.some((one) => one.upgrades && one.path.test(splitOnce(target, '?')[0])),
    serve(incoming, outgoing, handshake) {
      handle(incoming, outgoing, handshake).catch((error: unknown) => {
        if (outgoing.headersSent || outgoing.destroyed) outgoing.destroy();
        else send(definition.error(500, String(error)), outgoing, handshake).catch(() => outgoing.destroy());
      });
    },
  });
  const definition = define(ledger, url);

  const vendor: Vendor = {
    name: definition.name,
    url,
    env: definition.env(url),
    seen,
    get tokenCalls() {
      return count.token;
    },
    get apiCalls() {
      return count.api;
    },
    get refusals() {
      return count.refusals;
    },
    get logins() {
      return definition.logins?.() ?? 0;
    },
    revokeAll: () => ledger.revokeAll(),
    expireAll: () => ledger.expireAll(),
    refuseAll(on) {
      refusing = on;
    },
    setLifetime(seconds) {
      ledger.lifetime = seconds;
    },
    failTokens(failure) {
      const one = typeof failure === 'number' ? { count: failure } : failure;
      for (let left = one.count ?? 1; left > 0; left--) failures.push(one);
    },
    delayTokens(ms) {
      delay = ms;
    },
    holdTokens(ms) {
      hold = ms;
    },
    async close() {
      closing.abort();
      await close();
    },
  };
  const own = Object.getOwnPropertyDescriptors(definition.handles ?? {});
  return Object.defineProperties(vendor, own) as Vendor & H;
}

function recordOf(incoming: IncomingMessage): SeenRequest {
  return {
    method: incoming.method ?? '',
    path: incoming.url ?? '',
    headers: incoming.rawHeaders,
    body: '',
    status: 0,
    aborted: false,
  };
}

async function readText(incoming: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  let length = 0;
  for await (const piece of incoming as AsyncIterable<Buffer>) {
    length += piece.length;
    if (length > bodyLimit) throw new Error('the body is larger than this endpoint takes');
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString('utf8');
}

async function send(answer: Answer, outgoing: ServerResponse, handshake?: Handshake): Promise<void> {
  if (answer.status === 101) return;
  if (handshake !== undefined) refuseHandshake(handshake, outgoing);
  if (answer.stream !== undefined) {
    outgoing.writeHead(answer.status, answer.headers);
    await pipeline(Readable.from(answer.stream, { objectMode: false }), outgoing);
    return;
  }
  const [type, body] = bodyOf(answer);
  outgoing.writeHead(answer.status, {
    ...(body === '' ? {} : { 'Content-Type': `${type}; charset=utf-8` }),
    // RFC 9110 §8.6.
    ...(answer.status === 204 ? {} : { 'Content-Length': Buffer.byteLength(body) }),
    ...answer.headers,
  });
  outgoing.end(body);
}

function bodyOf({ json, html, text }: Answer): [type: string, body: string] {
  if (html !== undefined) return ['text/html', html];
  if (text !== undefined) return ['text/plain', text];
  return ['application/json', json === undefined ? '' : JSON.stringify(json)];
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}
