import { contenders, yardstick } from './contenders.ts';
import { type Exchange, plainExchange } from './setting.ts';

/** One kind of load and who takes part. */
export interface Scenario {
  /** Stable: the baseline and `--scenario` know it by this. */
  readonly name: string;
  /** For a heading. */
  readonly title: string;
  /** Names of those who take part when nobody is asked for. */
  readonly contenders: readonly string[];
  /** Names of those who may take part too, when asked for. */
  readonly guests: readonly string[];
  readonly exchange: Exchange;
  /** Keep-alive connections of the load. */
  readonly connections: number;
  /** Whether the upstream speaks TLS. Then a contender that takes any certificate is left out. */
  readonly tls: boolean;
  readonly rounds: number;
  /** Measured seconds a contender and round. */
  readonly seconds: number;
  /** Seconds of load before each measurement. */
  readonly warm: number;
}

const variants = ['cupbearer, 10,000 routes', 'cupbearer, 2 workers'];
const everybody = contenders.map(({ name }) => name).filter((name) => !variants.includes(name));
const everyProxy = everybody.filter((name) => name !== 'direct');
const closest = ['nginx', 'Envoy', yardstick, 'cupbearer', 'fast-proxy'];

const usual = {
  contenders: closest,
  guests: everybody,
  exchange: plainExchange,
  connections: 64,
  tls: false,
  rounds: 3,
  seconds: 2,
  warm: 1,
} as const satisfies Partial<Scenario>;

/** All scenarios, in the order in which they run. */
export const scenarios: readonly Scenario[] = [
  {
    ...usual,
    name: '1KiB-64',
    title: '1 KiB answers, 64 connections',
    contenders: everybody,
    rounds: 4,
    seconds: 3,
  },
  {
    ...usual,
    name: '1KiB-1',
    title: '1 KiB answers, 1 connection',
    contenders: ['direct', ...closest],
    connections: 1,
  },
  { ...usual, name: '1KiB-512', title: '1 KiB answers, 512 connections', connections: 512 },
  {
    ...usual,
    name: '64KiB',
    title: '64 KiB answers, 64 connections',
    exchange: { ...plainExchange, answerBytes: 64 * 1024 },
  },
  {
    ...usual,
    name: '10MiB',
    title: '10 MiB answers streamed, 8 connections',
    exchange: { ...plainExchange, answerBytes: 10 * 1024 ** 2, streamed: true },
    connections: 8,
  },
  {
    ...usual,
    name: 'POST-16KiB',
    title: 'POST with 16 KiB, 1 KiB answers, 64 connections',
    exchange: { ...plainExchange, bodyBytes: 16 * 1024 },
  },
  {
    ...usual,
    name: 'routes-10000',
    title: '10,000 routes against 1, requests spread over 1,000, 64 connections',
    contenders: [yardstick, 'cupbearer', 'cupbearer, 10,000 routes'],
    guests: [],
    exchange: { ...plainExchange, target: '/api/r#0/items?limit=50', targets: 1000 },
  },
  {
    ...usual,
    name: 'TLS',
    title: 'upstream over TLS, 1 KiB answers, 64 connections',
    contenders: ['HAProxy', ...closest, 'Caddy'],
    guests: everyProxy,
    tls: true,
  },
  {
    ...usual,
    name: 'workers',
    title: '2 workers against 1, 1 KiB answers, 64 connections',
    contenders: [yardstick, 'cupbearer', 'cupbearer, 2 workers'],
    guests: [],
  },
];
