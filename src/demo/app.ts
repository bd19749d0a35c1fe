import { randomUUID } from 'node:crypto';
import { Agent, request } from 'undici';

/** One call as an app without OAuth would make it. */
export interface PlainCall {
  /** Name of the vendor it is meant for. */
  readonly vendor: string;
  readonly method: 'GET' | 'POST';
  /** Path at the proxy. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** One for each vendor of the shipped routes.yaml. */
export const plainCalls: readonly PlainCall[] = [
  { vendor: 'realer', method: 'GET', path: '/realer/iot/v1/catalog' },
  { vendor: 'revolution', method: 'GET', path: '/revolution/devices' },
  { vendor: 'vbrick-rev', method: 'GET', path: '/rev/api/v2/videos' },
  { vendor: 'revo-digital', method: 'GET', path: '/revo-digital/contacts/' },
  { vendor: 'revolv3', method: 'GET', path: '/revolv3/api/invoices' },
];

/** A call with a body that must not take effect twice. */
export function payment(): PlainCall {
  return {
    vendor: 'revolv3',
    method: 'POST',
    path: '/revolv3/api/payments',
    headers: { 'Content-Type': 'application/json', 'Idempotency-Key': randomUUID() },
    body: JSON.stringify({ amount: 12.5 }),
  };
}

/** The call as a command line. */
export function curl(baseUrl: string, { method, path, headers = {}, body }: PlainCall): string {
  const fields = Object.entries(headers).map(([name, value]) => ` -H '${name}: ${value}'`);
  const data = body === undefined ? '' : ` -d '${body}'`;
  const verb = method === 'GET' || body !== undefined ? '' : ` -X ${method}`;
  return `curl${verb} ${baseUrl}${path}${fields.join('')}${data}`;
}

export interface PlainAnswer {
  /** 0 when no answer came. */
  readonly status: number;
  readonly body: string;
  readonly ms: number;
}

/** An app that knows the proxy's address and nothing of tokens; it counts its calls by vendor. */
export class App {
  readonly #baseUrl: string;
  readonly #agent = new Agent();
  readonly #counts = new Map<string, { calls: number; ok: number }>();

  constructor(baseUrl: string) {
    this.#baseUrl = baseUrl;
  }

  async call({ vendor, method, path, headers = {}, body }: PlainCall): Promise<PlainAnswer> {
    const count = this.count(vendor);
    this.#counts.set(vendor, count);
    count.calls++;
    const start = performance.now();
    const took = () => Math.round(performance.now() - start);
    try {
      const options = { method, headers: { ...headers }, body: body ?? null, dispatcher: this.#agent };
      const answer = await request(`${this.#baseUrl}${path}`, options);
      const text = await answer.body.text();
      if (answer.statusCode === 200) count.ok++;
      return { status: answer.statusCode, body: text, ms: took() };
    } catch (error) {
      return { status: 0, body: String(error), ms: took() };
    }
  }

  /** How many calls were made for a vendor, and how many were answered 200. */
  count(vendor: string): { calls: number; ok: number } {
    return this.#counts.get(vendor) ?? { calls: 0, ok: 0 };
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }
}
