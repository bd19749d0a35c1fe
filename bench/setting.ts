/** What every process of the benchmark agrees on. */

/** Size of the upstream's answer in bytes. */
export const answerBytes = 1024;

/** The field value every contender must add. */
export const bearer = 'Bearer 3q2-7wAAAAC0nGm5c2Vuc2VsZXNzLWJlbmNobWFyay10b2tlbg';

export const tokenPath = '/oauth/token';

/** The request target of the load; Cupbearer's route is `/api`. */
export const target = '/api/items?limit=50';

/** Fields the load sends besides Host. */
export const fields = { Accept: 'application/json', 'User-Agent': 'bench' };

/** The port this process listens on. Throws when the environment does not say. */
export function listenPort(): number {
  return Number(required('BENCH_PORT'));
}

/** Origin of the upstream. Throws when the environment does not say. */
export function upstreamOrigin(): string {
  return required('BENCH_UPSTREAM');
}

function required(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set; start with: npm run bench`);
  return value;
}
