import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Usage } from '../../src/cli/proxy.ts';
import { start } from '../../src/cli/start.ts';
import type { Tracing } from '../../src/cli/tracing.ts';
import { createLog } from '../../src/telemetry/log.ts';
import type { Clock } from '../../src/token/clock.ts';
import { configOf } from './config.ts';

/** A token endpoint that counts its calls; `answer` decides, by default `<prefix><count>` for an hour. */
export interface TokenServer {
  readonly url: string;
  calls: number;
  answer: (count: number, request: IncomingMessage, body: string) => TokenReply | Promise<TokenReply>;
  close(): Promise<void>;
}

export interface TokenReply {
  readonly status?: number;
  readonly headers?: Record<string, string>;
  readonly body: unknown;
}

export async function tokenServer(prefix: string): Promise<TokenServer> {
  const self: TokenServer = {
    url: '',
    calls: 0,
    answer: (count) => ({
      body: { access_token: `${prefix}${count}`, token_type: 'Bearer', expires_in: 3600 },
    }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  const server = createServer(async (request, response) => {
    const count = ++self.calls;
    let body = '';
    for await (const chunk of request) body += chunk;
    const reply = await self.answer(count, request, body);
    const text = typeof reply.body === 'string' ? reply.body : JSON.stringify(reply.body);
    response.writeHead(reply.status ?? 200, { 'content-type': 'application/json', ...reply.headers });
    response.end(text);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return Object.assign(self, { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
}

export interface Fixture {
  readonly port: number;
  readonly url: string;
  /** Every log line written so far. */
  log(): string;
  /** What it holds at this moment. */
  usage(): Promise<Usage>;
  /** As SIGHUP would. */
  rereadSecrets(): void;
  stop(): Promise<void>;
}

/** Starts Cupbearer on a configuration text, on free ports, with its log kept in memory at trace level. */
export async function startCupbearer(
  yaml: string,
  options: { env?: Record<string, string>; clock?: Clock; tracing?: Tracing } = {},
): Promise<Fixture> {
  const config = configOf(yaml, options.env);
  const lines: string[] = [];
  const log = createLog({ level: 'trace', stream: { write: (line) => void lines.push(line) } });
  const running = await start(config, {
    log,
    ...(options.clock === undefined ? {} : { clock: options.clock }),
    tracing: options.tracing,
  });
  return {
    port: Number(new URL(running.url).port),
    url: running.url,
    log: () => lines.join(''),
    usage: () => running.usage(),
    rereadSecrets: () => running.rereadSecrets(),
    stop: () => running.stop(),
  };
}
