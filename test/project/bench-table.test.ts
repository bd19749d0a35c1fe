import { expect, it } from 'vitest';
import { markdown, median, rows, type Sample } from '../../bench/table.ts';

function sample(contender: string, round: number, cpuMicros: number | undefined): Sample {
  const rssBytes = cpuMicros === undefined ? undefined : 100 * 2 ** 20;
  return {
    contender,
    round,
    cpuMicros,
    rssBytes,
    requests: 1,
    perSecond: 2000,
    p50Micros: 1500,
    p99Micros: 9000,
  };
}

it('takes the middle value, or the mean of the two in the middle', () => {
  expect(median([9, 1, 5])).toBe(5);
  expect(median([9, 1, 5, 6])).toBe(5.5);
  expect(median([undefined, 4])).toBe(4);
  expect(median([undefined])).toBeUndefined();
});

it('compares with the yardstick round by round, so that one busy round does not bend the ratio', () => {
  const samples = [
    sample('bare', 1, 20),
    sample('ours', 1, 30),
    sample('bare', 2, 100),
    sample('ours', 2, 150),
    sample('bare', 3, 20),
    sample('ours', 3, 32),
  ];
  const made = rows(samples, 'bare');
  expect(made.map(({ contender, cpuMicros, ratio }) => [contender, cpuMicros, ratio])).toEqual([
    ['bare', 20, 1],
    ['ours', 32, 1.5],
  ]);
});

it('prints a Markdown table whose cells line up, cheapest first, with gaps where there is no proxy', () => {
  const text = markdown(
    rows([sample('ours', 1, 30), sample('direct', 1, undefined), sample('bare', 1, 20)], 'bare'),
  );
  const lines = text.trimEnd().split('\n');
  expect(new Set(lines.map((line) => line.length)).size).toBe(1);
  const cells = lines.slice(2).map((line) =>
    line
      .split('|')
      .map((cell) => cell.trim())
      .slice(1, -1),
  );
  expect(cells).toEqual([
    ['direct', '', '', '2000', '1.50', '9.00', ''],
    ['bare', '20', '1.00', '2000', '1.50', '9.00', '100'],
    ['ours', '30', '1.50', '2000', '1.50', '9.00', '100'],
  ]);
});
