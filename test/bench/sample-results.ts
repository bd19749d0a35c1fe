import type { ContenderFigures, Figure, Growth, Results, ScenarioResult } from '../../bench/results.ts';

/** Ratios to bare, made up: what a run may look like. `undefined` takes no part. */
const ratios: Readonly<Record<string, readonly (number | undefined)[]>> = {
  //                              1KiB-64  64KiB 10MiB POST  TLS  512   routes
  nginx: [0.56, 0.41, 0.3, 0.5, 0.62, 0.55],
  HAProxy: [0.57, 0.45, 0.33, 0.52, 0.66, 0.54],
  'Envoy credential_injector': [1.38, 1.1, 0.62, 1.21, 1.3, 1.41],
  'bare node:http + undici': [1, 1, 1, 1, 1, 1, 1],
  cupbearer: [1.06, 1.04, 0.99, 1.12, 1.05, 1.08, 1.07],
  'cupbearer, 10,000 routes': [...Array.from({ length: 6 }, () => undefined), 1.09],
  'fast-proxy': [1.15, 1.2, 1.31, 1.27, 1.14, 1.16],
  '@fastify/reply-from': [1.46, 1.33, 1.05, 1.5, 1.4, 1.5],
  Caddy: [1.59, 1.3, 0.8, 1.44, 1.7, 1.6],
  'http-proxy-3': [2.16, 1.8, 1.1, 1.9, 1.95, 2.2],
  httpxy: [1.9, 1.7, 1.08, undefined, 1.8, 1.95],
  'hono/proxy': [5.22, 3.9, 1.6, 4.4, 4.1, 5.6],
};

const scenarios = [
  ['1KiB-64', '1 KiB answers, 64 connections', 35],
  ['64KiB', '64 KiB answers, 64 connections', 88],
  ['10MiB', '10 MiB answers, 8 connections', 9100],
  ['POST-16KiB', '16 KiB posted, 64 connections', 71],
  ['TLS', 'TLS to the upstream, 1 KiB answers', 44],
  ['1KiB-512', '1 KiB answers, 512 connections', 38],
  ['routes-10000', '10,000 routes, 1 KiB answers', 36],
] as const;

const series: readonly Growth[] = [
  growth('routes', 'routes configured', 'CPU µs a request', 41, [
    [1, 1, 78],
    [10, 1.01, 78],
    [100, 0.99, 79],
    [1000, 1.02, 83],
    [10_000, 1.04, 121],
  ]),
  growth('credentials', 'credentials in use', 'CPU µs a request', 41, [
    [1, 1, 78],
    [10, 1.0, 79],
    [100, 1.03, 82],
    [1000, 1.06, 96],
  ]),
  growth('tenants', 'tenants in use', 'CPU µs a request', 43, [
    [1, 1, 78],
    [100, 1.02, 81],
    [10_000, 1.11, 140],
  ]),
  growth('connections', 'connections of callers', 'CPU µs a request', 40, [
    [1, 1, 76],
    [8, 0.82, 77],
    [64, 0.74, 79],
    [512, 0.8, 96],
    [4096, 1.02, 205],
  ]),
  growth('body', 'bytes of the body', 'CPU ms a MiB', 3.4, [
    [2 ** 10, 1, 78],
    [2 ** 16, 0.21, 80],
    [2 ** 20, 0.16, 84],
    [2 ** 26, 0.15, 92],
    [2 ** 30, 0.15, 94],
  ]),
];

/** What a run may look like; the numbers are made up. */
export const sampleResults: Results = {
  machine: '2 × Sample CPU',
  node: 'v26.10.0',
  load: 'wrk',
  peers: ['nginx 1.28.0', 'HAProxy 3.2.4', 'Caddy 2.10.0', 'Envoy 1.40.0'],
  scenarios: scenarios.map(([name, title, bareMicros], i) => scenario(name, title, bareMicros, i)),
  targets: [
    { name: 'CPU a request', budget: '≤ 1.25 × bare', measured: '1.06 × bare', met: true },
    { name: 'idle memory', budget: '< 90 MiB', measured: '97 MiB', met: false },
  ],
  growth: series,
};

/** Nothing was run. */
export const emptyResults: Results = { ...sampleResults, peers: [], scenarios: [], targets: [], growth: [] };

/** A figure that varies by `part` of its median. */
export function around(median: number, part = 0.04): Figure {
  return { median, low: median * (1 - part), high: median * (1 + part * 1.3) };
}

/** Results with one scenario for each ratio of Cupbearer. */
export function measuredAs(cupbearer: Readonly<Record<string, Figure>>): Results {
  return {
    ...emptyResults,
    scenarios: Object.entries(cupbearer).map(([name, ratio]) => ({
      name,
      title: name,
      rounds: 5,
      seconds: 2,
      contenders: [{ ...contender('cupbearer', 1, 40), ratio }],
    })),
  };
}

function scenario(name: string, title: string, bareMicros: number, column: number): ScenarioResult {
  const direct: ContenderFigures = {
    contender: 'direct',
    perSecond: around(2e6 / bareMicros),
    p50Micros: around(bareMicros * 20),
    p99Micros: around(bareMicros * 45),
  };
  const taking = Object.entries(ratios).flatMap(([who, all]) => {
    const ratio = all[column];
    return ratio === undefined ? [] : [contender(who, ratio, bareMicros)];
  });
  return { name, title, rounds: 5, seconds: 4, contenders: [...taking, direct] };
}

function contender(name: string, ratio: number, bareMicros: number): ContenderFigures {
  const cost = ratio * bareMicros;
  return {
    contender: name,
    cpuMicros: around(cost),
    ratio: ratio === 1 ? around(1, 0) : around(ratio),
    perSecond: around(9e5 / cost),
    p50Micros: around(cost * 60),
    p99Micros: around(cost * 120),
    rssBytes: around((60 + 30 * ratio) * 2 ** 20, 0.02),
  };
}

function growth(
  name: string,
  quantity: string,
  unit: string,
  first: number,
  points: readonly (readonly [quantity: number, ratio: number, rssMiB: number])[],
): Growth {
  const made = points.map(([count, ratio, rssMiB]) => ({
    quantity: count,
    cost: around(first * ratio),
    ratio,
    rssBytes: rssMiB * 2 ** 20,
  }));
  return { name, quantity, unit, points: made };
}
