/** What every process of the benchmark agrees on. */

/** The field value every contender must add. */
export const bearer = 'Bearer 3q2-7wAAAAC0nGm5c2Vuc2VsZXNzLWJlbmNobWFyay10b2tlbg';

export const tokenPath = '/oauth/token';

/** Fields the load sends besides Host. */
export const fields = { Accept: 'application/json', 'User-Agent': 'bench' };

/** One request of the load and the upstream's answer to it. */
export interface Exchange {
  /** Size of the answer in bytes. */
  readonly answerBytes: number;
  /** Whether the answer is sent piece by piece, its length not told ahead. */
  readonly streamed: boolean;
  /** Size of the request body in bytes: POST; 0 is a GET. */
  readonly bodyBytes: number;
  /** The request target; `#` stands for a number from 1 to `targets`. */
  readonly target: string;
  readonly targets: number;
}

/** What the load does unless the scenario says otherwise; Cupbearer's route is `/api`. */
export const plainExchange: Exchange = {
  answerBytes: 1024,
  streamed: false,
  bodyBytes: 0,
  target: '/api/items?limit=50',
  targets: 1,
};

/** The first target of the load. */
export function firstTarget(exchange: Exchange): string {
  return exchange.target.replace('#', '1');
}

/** The port this process listens on. Throws when the environment does not say. */
export function listenPort(): number {
  return Number(required('BENCH_PORT'));
}

/** Origin of the upstream. Throws when the environment does not say. */
export function upstreamOrigin(): string {
  return required('BENCH_UPSTREAM');
}

/** What the upstream is to expect and to answer. */
export function upstreamExchange(): Exchange {
  const text = process.env.BENCH_EXCHANGE;
  return text === undefined ? plainExchange : (JSON.parse(text) as Exchange);
}

/** PEM files of the upstream's key and certificate; undefined for plain HTTP. */
export function upstreamTls(): { readonly certFile: string; readonly keyFile: string } | undefined {
  const { BENCH_CERT: certFile, BENCH_KEY: keyFile } = process.env;
  return certFile === undefined || keyFile === undefined ? undefined : { certFile, keyFile };
}

function required(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set; start with: npm run bench`);
  return value;
}
