import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A token server whose tokens live for seconds. */
export interface Tokens {
  readonly port: number;
  /** How many it has given out, and how many requests it has failed. */
  readonly given: number;
  readonly failed: number;
  /** Whether a value of Authorization is a token that is not past its lifetime. */
  accepts(authorization: string | undefined): boolean;
  close(): void;
}

const lifetimeMs = 8_000;
/** What may pass between the decision to use a token and its arrival on a busy machine. */
const slackMs = 3_000;
const slowMs = 1_500;

/** Answers at /token; /flaky fails every third time with 500 and is slow every fifth. */
export async function startTokens(): Promise<Tokens> {
  const issued = new Map<string, number>();
  let given = 0;
  let failed = 0;
  let flaky = 0;
  const server = createServer((request, response) => {
    const give = () => {
      const token = `soak-${++given}`;
      const now = performance.now();
      for (const [old, at] of issued) if (now - at > lifetimeMs * 4) issued.delete(old);
      issued.set(token, now);
      response.setHeader('content-type', 'application/json');
      const expires_in = lifetimeMs / 1_000;
      response.end(JSON.stringify({ access_token: token, token_type: 'Bearer', expires_in }));
    };
    request.resume();
    if (request.url === '/flaky' && ++flaky % 3 === 0) {
      failed++;
      response.writeHead(500).end();
    } else if (request.url === '/flaky' && flaky % 5 === 0) setTimeout(give, slowMs);
    else give();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    get given() {
      return given;
    },
    get failed() {
      return failed;
    },
    accepts(authorization) {
      const at = issued.get(authorization?.replace(/^Bearer /, '') ?? '');
      return at !== undefined && performance.now() - at < lifetimeMs + slackMs;
    },
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
