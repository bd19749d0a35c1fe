import { readFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { request as tlsRequest } from 'node:https';
import { methodOf } from './load.ts';
import { upstreamName } from './place.ts';
import { bearer, type Exchange, fields, firstTarget } from './setting.ts';

/** What one request got. */
export interface Answer {
  readonly status: number | undefined;
  /** Size of the body. */
  readonly bytes: number;
}

/** How to ask. */
export interface Question {
  readonly exchange: Exchange;
  /** Whether to send Authorization. */
  readonly authorized: boolean;
  /** PEM file of the authority to trust; plain HTTP without. */
  readonly ca?: string | undefined;
}

/** Sends the first request of the load on a connection of its own; undefined when there was no whole answer. */
export function ask(port: number, { exchange, authorized, ca }: Question): Promise<Answer | undefined> {
  const { bodyBytes } = exchange;
  const headers: Record<string, string> = authorized ? { ...fields, Authorization: bearer } : { ...fields };
  if (bodyBytes > 0) headers['Content-Length'] = String(bodyBytes);
  const where = { host: '127.0.0.1', port, path: firstTarget(exchange), method: methodOf(exchange) };
  const options = { ...where, headers, agent: false };
  return new Promise((resolve) => {
    const request =
      ca === undefined
        ? httpRequest(options)
        : tlsRequest({ ...options, ca: readFileSync(ca), servername: upstreamName });
    request.on('response', (response) => {
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
      });
      response.on('end', () => resolve({ status: response.statusCode, bytes }));
      response.on('error', () => resolve(undefined));
    });
    request.on('error', () => resolve(undefined));
    request.end('x'.repeat(bodyBytes));
  });
}

/** Whether one request gets the full answer; that proves the injected field too. */
export function answers(question: Question): (port: number) => Promise<boolean> {
  return async (port) => {
    const answer = await ask(port, question);
    return answer?.status === 200 && answer.bytes === question.exchange.answerBytes;
  };
}
