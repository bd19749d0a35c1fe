import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { markdown, summary } from '../../bench/table.ts';
import { anyResults } from './any-results.ts';
import { around, emptyResults, sampleResults } from './sample-results.ts';

/** The cells of every table in the text, the heads first. */
function tables(text: string): string[][][] {
  return text
    .split('\n\n')
    .filter((block) => block.startsWith('|'))
    .map((block) =>
      block
        .trimEnd()
        .split('\n')
        .filter((_, i) => i !== 1)
        .map((row) =>
          row
            .split(/(?<!\\)\|/)
            .slice(1, -1)
            .map((cell) => cell.trim()),
        ),
    );
}

function lengths(text: string): Set<number>[] {
  const blocks = text.split('\n\n').filter((block) => block.startsWith('|'));
  return blocks.map(
    (block) =>
      new Set(
        block
          .trimEnd()
          .split('\n')
          .map((row) => row.length),
      ),
  );
}

describe('the whole run as Markdown', () => {
  const text = markdown(sampleResults);

  it('names the machine and the versions of the peers', () => {
    expect(text).toMatch(/^2 × Sample CPU, Node v26\.10\.0, load by wrk$/m);
    expect(text).toContain('Peers: nginx 1.28.0, HAProxy 3.2.4, Caddy 2.10.0, Envoy 1.40.0');
  });

  it('has a table for each scenario, cheapest first, with a dash where there is no proxy', () => {
    const [head, ...rows] = tables(text)[0]!;
    expect(head).toEqual([
      'contender',
      'CPU µs/request',
      '× bare',
      'requests/s',
      'p50 ms',
      'p99 ms',
      'RSS MiB',
    ]);
    expect(rows.map(([name]) => name).slice(0, 5)).toEqual([
      'direct',
      'nginx',
      'HAProxy',
      'bare node:http + undici',
      'cupbearer',
    ]);
    expect(rows[0]).toEqual(['direct', '–', '–', '57143', '0.70', '1.57', '–']);
    expect(rows[4]).toEqual(['cupbearer', '37', '1.06 (1.02–1.12)', '24259', '2.23', '4.45', '92']);
  });

  it('says of each target whether it is met', () => {
    expect(tables(text)[sampleResults.scenarios.length]).toEqual([
      ['what', 'budget', 'measured', 'met'],
      ['CPU a request', '≤ 1.25 × bare', '1.06 × bare', 'yes'],
      ['idle memory', '< 90 MiB', '97 MiB', '**NO**'],
    ]);
  });

  it('has a table for each growth series, bytes in binary units', () => {
    const [head, ...rows] = tables(text).at(-1)!;
    expect(head).toEqual(['bytes of the body', 'CPU ms a MiB', '× first', 'RSS MiB']);
    expect(rows.map(([count]) => count)).toEqual(['1 KiB', '64 KiB', '1 MiB', '64 MiB', '1 GiB']);
    expect(rows[1]).toEqual(['64 KiB', '0.71 (0.69–0.75)', '0.21', '80']);
    expect(
      tables(text)
        .at(-2)!
        .map(([count]) => count),
    ).toContain('4,096');
  });

  it('names who was left out, and why', () => {
    const leftOut = ['Caddy: does not verify\nthe certificate'];
    const scenarios = [{ ...sampleResults.scenarios[0]!, leftOut }];
    expect(markdown({ ...emptyResults, scenarios })).toContain(
      'Left out: Caddy: does not verify the certificate',
    );
  });

  it('lines up, and stays a table whatever the names and numbers', () => {
    fc.assert(
      fc.property(anyResults, (results) => {
        const made = markdown(results);
        for (const of of lengths(made)) expect(of.size).toBe(1);
        for (const [head, ...rows] of tables(made))
          for (const row of rows) expect(row.length).toBe(head!.length);
      }),
    );
  });

  it('shows a dash for what is no number', () => {
    const broken = { median: Number.NaN, low: Number.NaN, high: Number.POSITIVE_INFINITY };
    const figures = {
      contender: 'x',
      cpuMicros: broken,
      ratio: broken,
      perSecond: broken,
      p50Micros: broken,
      p99Micros: broken,
      rssBytes: broken,
    };
    const scenarios = [{ ...sampleResults.scenarios[0]!, contenders: [figures] }];
    expect(tables(markdown({ ...emptyResults, scenarios }))[0]![1]).toEqual(['x', ...Array(6).fill('–')]);
    expect(summary({ ...emptyResults, scenarios })).not.toContain('NaN');
  });

  it('is short when nothing was run', () => {
    expect(markdown(emptyResults)).toBe('2 × Sample CPU, Node v26.10.0, load by wrk\n');
  });
});

describe('the summary for the README', () => {
  const [head, ...rows] = tables(summary(sampleResults))[0]!;

  it('has the ratios of the main scenarios, the headline with its spread', () => {
    expect(head).toEqual(['× bare', '1KiB-64', '64KiB', '10MiB', 'POST-16KiB', 'TLS', '1KiB-512']);
    expect(rows[0]).toEqual(['nginx', '0.56 (0.54–0.59)', '0.41', '0.30', '0.50', '0.62', '0.55']);
  });

  it('has a dash where a contender did not take part, and leaves out who is no proxy', () => {
    expect(rows.find(([name]) => name === 'httpxy')).toContain('–');
    expect(rows.some(([name]) => name === 'direct')).toBe(false);
    expect(rows).toHaveLength(11);
  });

  it('sets off Cupbearer alone', () => {
    const bold = rows.filter(([name]) => name!.startsWith('**'));
    expect(bold).toEqual([
      ['cupbearer', '1.06 (1.02–1.12)', '1.04', '0.99', '1.12', '1.05', '1.08'].map((cell) => `**${cell}**`),
    ]);
  });

  it('has columns only for what was measured', () => {
    const scenarios = sampleResults.scenarios.filter(({ name }) => name === 'TLS' || name === '64KiB');
    const [only, first] = tables(summary({ ...sampleResults, scenarios }))[0]!;
    expect(only).toEqual(['× bare', '64KiB', 'TLS']);
    expect(first).toEqual(['nginx', '0.41', '0.62']);
    expect(summary(emptyResults)).toBe('No ratio was measured.\n');
  });

  it('puts whoever has no headline ratio after those who have one', () => {
    const [headline, other] = sampleResults.scenarios;
    const late = { ...other!.contenders[0]!, contender: 'late', ratio: around(0.1) };
    const scenarios = [headline!, { ...other!, contenders: [late, ...other!.contenders] }];
    expect(tables(summary({ ...emptyResults, scenarios }))[0]!.at(-1)).toEqual(['late', '–', '0.10']);
  });
});
