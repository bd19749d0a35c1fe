import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { CupbearerError } from '../errors.ts';
import { problemAnswer } from './problem.ts';

/** What a scrape is answered. */
export interface Scrape {
  readonly contentType: string;
  readonly body: AsyncIterable<string>;
}

export interface MetricsOptions {
  /** Makes the answer to a scrape, in the format that its Accept field prefers. */
  readonly scrape: (accept: string | undefined) => Promise<Scrape>;
  /** Whether a Host field names us. May throw CupbearerError. */
  readonly isAllowedHost: (field: string) => boolean;
  /** Called with an error that nobody expected. */
  readonly failed: (error: unknown) => void;
  /** Monotonic ms. Default: those of the process. */
  readonly now?: () => number;
}

/** Scrapes at a time: each holds all numbers as they were at its start, and the time they take is taken from requests. */
const mostAtOnce = 4;
/** Prometheus waits no longer unless it is told to; a scrape that takes longer gives way to another, ms. */
const enoughMs = 10_000;

/**
 * Answers `GET /metrics`. Prometheus asks from other machines, by address: only what a web page may have sent is refused.
 */
export function createMetrics({ scrape, isAllowedHost, failed, now }: MetricsOptions): RequestListener {
  const turns = new Turns(now ?? (() => performance.now()));
  return async (incoming, outgoing) => {
    try {
      checkScraper(incoming, isAllowedHost);
      turns.take(outgoing);
      const { contentType, body } = await scrape(incoming.headers.accept);
      outgoing.writeHead(200, { 'content-type': contentType, 'cache-control': 'no-store' });
      if (incoming.method === 'HEAD') outgoing.end();
      else await pipeline(Readable.from(body), outgoing);
    } catch (error) {
      // The scraper has left: nobody is to be told.
      if (outgoing.headersSent && isGone(error)) return;
      if (!(error instanceof CupbearerError)) failed(error);
      if (outgoing.headersSent) {
        outgoing.destroy();
        return;
      }
      const problem = problemAnswer(error);
      outgoing.writeHead(problem.status, problem.headers).end(problem.body);
    }
  };
}

/** The scrapes in progress. Whoever asks from a monitoring network can ask often, and read slowly. */
class Turns {
  readonly #since = new Map<ServerResponse, number>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Until `outgoing` closes. Throws `overloaded` when there is no turn, and none to be had from a slow one. */
  take(outgoing: ServerResponse): void {
    const [oldest] = this.#since;
    if (oldest !== undefined && this.#since.size >= mostAtOnce) {
      const [slow, since] = oldest;
      if (this.#now() - since < enoughMs) {
        throw new CupbearerError('overloaded', 'too many scrapes at a time; try again in a moment');
      }
      this.#since.delete(slow);
      slow.destroy();
    }
    this.#since.set(outgoing, this.#now());
    outgoing.once('close', () => this.#since.delete(outgoing));
  }
}

/** Throws CupbearerError. */
function checkScraper(
  { headersDistinct }: IncomingMessage,
  isAllowedHost: MetricsOptions['isAllowedHost'],
): void {
  const [host, second] = headersDistinct.host ?? [];
  if (host === undefined || second !== undefined) {
    throw new CupbearerError('malformed-request', 'the request must have exactly one Host field');
  }
  // A page that has rebound a name has only a name; nobody can rebind an address.
  if (!isAddress(host) && !isAllowedHost(host)) {
    throw new CupbearerError(
      'host-refused',
      'this Host is not served here; scrape by address, or add its name to server.hosts',
    );
  }
  const site = headersDistinct['sec-fetch-site'] ?? ['none'];
  if (headersDistinct.origin !== undefined || site.some((one) => one !== 'none')) {
    throw new CupbearerError('browser-refused', 'requests that a web page makes are refused');
  }
}

const address = /^(?:\d{1,3}(?:\.\d{1,3}){3}|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?$/;

function isAddress(field: string): boolean {
  return address.test(field);
}

function isGone(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_STREAM_PREMATURE_CLOSE';
}
