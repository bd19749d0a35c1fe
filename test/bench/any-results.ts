import fc from 'fast-check';
import type { ContenderFigures, Figure, Results } from '../../bench/results.ts';
import { sampleResults } from './sample-results.ts';

/** Names that break out of XML, Markdown or a line, and any other. */
const anyName = fc.oneof(
  fc.constantFrom(
    '<&"',
    ']]>',
    "'>",
    '</text>',
    'a|b',
    'a\nb',
    '\u0000\u0007',
    '\ud800',
    '\uffff',
    '',
    'cupbearer',
  ),
  fc.string({ unit: 'binary' }),
  fc.string({ maxLength: 200 }),
);

/** Any number, what is none included: a results file is read from disk too. */
const anyNumber = fc.oneof(
  { weight: 8, arbitrary: fc.double({ min: 1e-6, max: 1e9, noNaN: true }) },
  { weight: 1, arbitrary: fc.constantFrom(0, -1, Number.NaN, Number.POSITIVE_INFINITY, Number.MIN_VALUE) },
  { weight: 1, arbitrary: fc.double() },
);

const anyFigure: fc.Arbitrary<Figure> = fc.record({ median: anyNumber, low: anyNumber, high: anyNumber });

const anyContender: fc.Arbitrary<ContenderFigures> = fc.record(
  {
    contender: anyName,
    cpuMicros: anyFigure,
    ratio: anyFigure,
    perSecond: anyFigure,
    p50Micros: anyFigure,
    p99Micros: anyFigure,
    rssBytes: anyFigure,
  },
  { requiredKeys: ['contender', 'perSecond', 'p50Micros', 'p99Micros'] },
);

/** Anything of the right shape. */
export const anyResults: fc.Arbitrary<Results> = fc.record({
  machine: anyName,
  node: anyName,
  load: anyName,
  peers: fc.array(anyName, { maxLength: 2 }),
  scenarios: fc.array(
    fc.record({
      name: fc.oneof(fc.constantFrom(...sampleResults.scenarios.map(({ name }) => name)), anyName),
      title: anyName,
      rounds: fc.nat(),
      seconds: fc.nat(),
      contenders: fc.array(anyContender, { maxLength: 5 }),
      leftOut: fc.array(anyName, { maxLength: 2 }),
    }),
    { maxLength: 3 },
  ),
  targets: fc.array(fc.record({ name: anyName, budget: anyName, measured: anyName, met: fc.boolean() }), {
    maxLength: 2,
  }),
  growth: fc.array(
    fc.record({
      name: anyName,
      quantity: fc.oneof(fc.constant('bytes of the body'), anyName),
      unit: anyName,
      points: fc.array(
        fc.record({ quantity: anyNumber, cost: anyFigure, ratio: anyNumber, rssBytes: anyNumber }),
        { maxLength: 5 },
      ),
    }),
    { maxLength: 3 },
  ),
});
