import { request } from 'node:http';
import { afterEach, expect, it } from 'vitest';
import { createAdmin } from '../../src/admin/admin.ts';
import type { MetricsOptions } from '../../src/admin/metrics.ts';
import { type Listener, listen } from '../../src/cli/listener.ts';
import { allowedHosts } from '../../src/gateway/hosts.ts';

let listener: Listener | undefined;
let failures: unknown[] = [];
afterEach(async () => {
  await listener?.close(0);
  failures = [];
});

async function* body(): AsyncGenerator<string> {
  yield 'a_total 1\n';
  yield 'b_total 2\n';
}

async function serving(scrape: MetricsOptions['scrape'], now = () => 0): Promise<void> {
  const metrics: MetricsOptions = {
    scrape,
    now,
    isAllowedHost: allowedHosts(['metrics.example']).field,
    failed: (error) => void failures.push(error),
  };
  const admin = createAdmin({ waitingFor: () => [], draining: () => false, metrics });
  listener = await listen({ kind: 'tcp', host: '127.0.0.1', port: 0 }, admin);
}

interface Answer {
  readonly status: number | undefined;
  readonly type: string | undefined;
  readonly text: string;
  readonly isWhole: boolean;
}

/** `headers`: an array for raw fields. */
function get(
  headers: Record<string, string> | string[] = {},
  method = 'GET',
  path = '/metrics',
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(
      `${listener?.url}${path}`,
      { method, headers, setHost: !Array.isArray(headers) },
      (answer) => {
        let text = '';
        answer.on('data', (chunk) => {
          text += chunk;
        });
        answer.on('error', () => {});
        answer.on('close', () =>
          resolve({
            status: answer.statusCode,
            type: answer.headers['content-type'],
            text,
            isWhole: answer.complete,
          }),
        );
      },
    );
    sent.on('error', reject);
    sent.end();
  });
}

const scrape: MetricsOptions['scrape'] = async (accept) => ({
  contentType: `text/plain; for=${accept}`,
  body: body(),
});

it('answers a scrape with what it is given, and is told what the scraper accepts', async () => {
  await serving(scrape);
  const whole = {
    status: 200,
    type: 'text/plain; for=text/x',
    text: 'a_total 1\nb_total 2\n',
    isWhole: true,
  };
  expect(await get({ accept: 'text/x' })).toEqual(whole);
  expect(await get({ accept: 'text/x' }, 'GET', '/metrics?from=here')).toEqual(whole);
  expect(await get({ accept: 'text/x' }, 'HEAD')).toEqual({ ...whole, text: '' });
  expect((await get({}, 'POST')).status).toBe(404);
  expect((await get({}, 'GET', '/metrics/')).status).toBe(404);
});

it.each([
  '127.0.0.1:9090',
  '10.1.2.3',
  '192.168.0.7:80',
  '[::1]:9090',
  '[2001:db8::7]',
  'localhost:9090',
  'metrics.example',
  'METRICS.example:9090',
])('answers under Host: %s', async (host) => {
  await serving(scrape);
  expect((await get({ host })).status).toBe(200);
});

it.each(['evil.example', 'localhost.evil.example', '127.0.0.1.evil.example', '1.2.3', '0x7f000001'])(
  'refuses the name that a page may have rebound: %s',
  async (host) => {
    await serving(scrape);
    const { status, type, text } = await get({ host });
    expect([status, type]).toEqual([421, 'application/problem+json']);
    expect(text).not.toContain('a_total');
  },
);

it.each([
  [['Host', 'a b'], 400],
  [['Host', '127.0.0.1:9090.evil.example'], 400],
  [['Host', '127.0.0.1', 'Host', 'evil.example'], 400],
  [['Host', '127.0.0.1', 'Origin', 'http://127.0.0.1'], 403],
  [['Host', '127.0.0.1', 'Origin', 'null'], 403],
  [['Host', '127.0.0.1', 'Sec-Fetch-Site', 'same-origin'], 403],
  [['Host', '127.0.0.1', 'Sec-Fetch-Site', 'same-site'], 403],
  [['Host', '127.0.0.1', 'Sec-Fetch-Site', 'cross-site'], 403],
  [['Host', '127.0.0.1', 'Sec-Fetch-Site', 'none', 'Sec-Fetch-Site', 'cross-site'], 403],
  [['Host', '127.0.0.1', 'Sec-Fetch-Site', 'none', 'Sec-Fetch-Mode', 'navigate'], 200],
] as const)(
  'answers what a browser sends for a page, or what is ambiguous, with an error: %j',
  async (fields, status) => {
    await serving(scrape);
    expect((await get([...fields])).status).toBe(status);
  },
);

it('says that a scrape has failed, but not how', async () => {
  await serving(() => Promise.reject(new Error('the secret reason')));
  const { status, text } = await get();
  expect(status).toBe(500);
  expect(text).not.toContain('secret');
  expect(failures).toEqual([new Error('the secret reason')]);
});

it('breaks off an answer that fails on the way, so that nobody takes it for whole', async () => {
  await serving(async () => ({
    contentType: 'text/plain',
    body: (async function* () {
      yield 'a_total 1\n';
      throw new Error('broken');
    })(),
  }));
  expect((await get().catch(() => ({ isWhole: false }))).isWhole).toBe(false);
  expect(failures).toEqual([new Error('broken')]);
});

it('answers four scrapes at a time, and no more until one ends or has taken 10 s', async () => {
  let begun = 0;
  let now = 0;
  const rest = Promise.withResolvers<void>();
  await serving(
    async () => {
      begun++;
      return {
        contentType: 'text/plain',
        body: (async function* () {
          yield 'a_total 1\n';
          await rest.promise;
        })(),
      };
    },
    () => now,
  );
  const first = Array.from({ length: 4 }, () => get());
  await expect.poll(() => begun).toBe(4);
  const refused = await get();
  expect([refused.status, refused.type, begun]).toEqual([503, 'application/problem+json', 4]);
  now = 10_000;
  const further = get();
  await expect.poll(() => begun).toBe(5);
  rest.resolve();
  const ends = (await Promise.all(first)).map(({ isWhole }) => isWhole);
  expect([ends.sort(), (await further).isWhole]).toEqual([[false, true, true, true], true]);
  expect((await get()).status).toBe(200);
  expect(failures).toEqual([]);
});
