import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { growthChart, scenarioChart } from '../../bench/chart.ts';
import type { Growth, Results } from '../../bench/results.ts';
import { anyResults } from './any-results.ts';
import { around, emptyResults, sampleResults } from './sample-results.ts';
import { type Element, everyElement, readXml } from './xml.ts';

const charts = [
  ['scenarioChart', scenarioChart],
  ['growthChart', growthChart],
] as const;

function elements(svg: string, name: string): Element[] {
  return everyElement(readXml(svg)).filter((element) => element.name === name);
}

function numbers({ attributes }: Element): Record<string, number> {
  return Object.fromEntries(Object.entries(attributes).map(([key, value]) => [key, Number(value)]));
}

/** The bar of a contender: the rectangle that is no background in the group that says its name. */
function bar(svg: string, contender: string): Record<string, number> {
  const group = elements(svg, 'g').find(({ children }) => children[0]?.text.startsWith(`${contender}:`));
  return numbers(group?.children.find(({ name }) => name === 'rect') as Element);
}

function withGrowth(points: Growth['points']): Results {
  return { ...emptyResults, growth: [{ name: 'routes', quantity: 'routes', unit: 'CPU µs', points }] };
}

function point(quantity: number, ratio: number, cost = around(40 * ratio)) {
  return { quantity, cost, ratio, rssBytes: 80 * 2 ** 20 };
}

function circles(points: Growth['points']): Record<string, number>[] {
  return elements(growthChart(withGrowth(points)), 'circle').map(numbers);
}

describe.each(charts)('%s', (_name, chart) => {
  it('is well-formed and has no NaN, whatever the names and numbers', () => {
    fc.assert(
      fc.property(anyResults, (results) => {
        const root = readXml(chart(results));
        for (const { attributes } of everyElement(root))
          for (const [key, value] of Object.entries(attributes))
            if (key !== 'class' && key !== 'id') expect(value).not.toMatch(/NaN|Infinity|undefined|null/);
        expect(root.attributes).toMatchObject({ xmlns: 'http://www.w3.org/2000/svg', role: 'img' });
      }),
      { numRuns: 200 },
    );
  });

  it('says what it shows in a title and a description', () => {
    const root = readXml(chart(sampleResults));
    expect(root.attributes['aria-labelledby']).toBe('title desc');
    expect(root.children[0]).toMatchObject({ name: 'title', attributes: { id: 'title' } });
    expect(root.children[1]).toMatchObject({ name: 'desc', attributes: { id: 'desc' } });
    expect(root.children[1]?.text).toMatch(/\d\.\d\d/);
  });

  it('needs nothing from outside, runs nothing, and knows light and dark mode', () => {
    const svg = chart(sampleResults);
    const used = new Set(everyElement(readXml(svg)).map(({ name }) => name));
    for (const name of ['script', 'image', 'use', 'foreignObject', 'a']) expect(used).not.toContain(name);
    expect(svg.replace('http://www.w3.org/2000/svg', '')).not.toMatch(
      /https?:|url\(|@import|@font-face| on\w+=/,
    );
    expect(svg).toContain('@media (prefers-color-scheme: dark)');
  });

  it('has no letters below 11 px and is at most 900 px wide, with nothing beyond its edges', () => {
    const svg = chart(sampleResults);
    const sizes = [...svg.matchAll(/([\d.]+)px/g)].map(([, size]) => Number(size));
    expect(Math.min(...sizes)).toBeGreaterThanOrEqual(11);
    const { width = 0, height = 0 } = numbers(readXml(svg));
    expect(width).toBeLessThanOrEqual(900);
    for (const element of everyElement(readXml(svg))) {
      const { x = 0, y = 0, x1 = 0, x2 = 0, y1 = 0, y2 = 0, cx = 0, cy = 0 } = numbers(element);
      for (const place of [x, x1, x2, cx]) expect(place >= 0 && place <= width).toBe(true);
      for (const place of [y, y1, y2, cy]) expect(place >= 0 && place <= height).toBe(true);
    }
  });

  it('is readable when nothing was measured', () => {
    expect(readXml(chart(emptyResults)).text).toMatch(/was measured\./);
  });
});

describe('the chart of the scenarios', () => {
  const svg = scenarioChart(sampleResults);
  const texts = elements(svg, 'text').map(({ text }) => text);

  it('shows every contender with a ratio, and not who is no proxy', () => {
    for (const { contenders } of sampleResults.scenarios)
      for (const { contender, ratio } of contenders)
        expect(texts.includes(contender)).toBe(ratio !== undefined);
  });

  it('begins every bar at bare = 1: the cheaper reach to the left of it, the dearer to the right', () => {
    const one = bar(svg, 'bare node:http + undici').x! + 1;
    const { x: left, width: reach } = bar(svg, 'nginx') as { x: number; width: number };
    expect(left + reach).toBeCloseTo(one, 0);
    const [ours, dearest] = [bar(svg, 'cupbearer'), bar(svg, 'hono/proxy')];
    expect(ours.x).toBeCloseTo(one - 1, 0);
    expect(dearest.width! / ours.width!).toBeGreaterThan(15);
  });

  it('leaves 0.5 and 5 both far from 1', () => {
    const ratios = { half: 0.5, five: 5, 'bare node:http + undici': 1 };
    const contenders = Object.entries(ratios).map(([contender, ratio]) => ({
      ...sampleResults.scenarios[0]!.contenders[0]!,
      contender,
      ratio: around(ratio, 0),
    }));
    const drawn = scenarioChart({
      ...emptyResults,
      scenarios: [{ ...sampleResults.scenarios[0]!, contenders }],
    });
    expect(bar(drawn, 'half').width).toBeGreaterThan(80);
    expect(bar(drawn, 'five').width).toBeGreaterThan(200);
  });

  it('draws the headline first and largest', () => {
    const reversed = scenarioChart({ ...sampleResults, scenarios: sampleResults.scenarios.toReversed() });
    const heights = elements(reversed, 'rect').flatMap((rect) =>
      rect.attributes.class === 'ours' ? [numbers(rect).height!] : [],
    );
    expect(heights[0]).toBeGreaterThan(heights[1]!);
    expect(elements(reversed, 'text').map(({ text }) => text)[3]).toBe('1 KiB answers, 64 connections');
  });

  it('sets off Cupbearer, however it is set up, and nobody else', () => {
    const marked = elements(svg, 'text').filter(({ attributes }) =>
      attributes.class?.startsWith('strong ours'),
    );
    const names = new Set(marked.map(({ text }) => text).filter((text) => /[a-z]/.test(text)));
    expect(names).toEqual(new Set(['cupbearer', 'cupbearer, 10,000 routes']));
  });

  it('shortens a long name with an ellipsis and keeps it whole in the description', () => {
    const contender = 'a proxy with a very long name that goes on and on and on';
    const only = { ...sampleResults.scenarios[0]!.contenders[0]!, contender, ratio: around(2) };
    const drawn = scenarioChart({
      ...emptyResults,
      scenarios: [{ ...sampleResults.scenarios[0]!, contenders: [only] }],
    });
    expect(elements(drawn, 'text').map(({ text }) => text)).toContainEqual(
      expect.stringMatching(/^a proxy.*…$/),
    );
    expect(elements(drawn, 'desc')[0]?.text).toContain(contender);
  });
});

describe('the chart of the growth', () => {
  it('draws what does not grow as a level line half-way up', () => {
    const places = circles([point(1, 1), point(100, 1), point(10_000, 1)]);
    expect(new Set(places.map(({ cy }) => cy)).size).toBe(1);
    const ticks = elements(growthChart(withGrowth([point(1, 1)])), 'text').map(({ text }) => text);
    expect(ticks).toEqual(expect.arrayContaining(['0', '0.5', '1', '1.5', '2']));
  });

  it('counts height from zero: twice the cost is twice as high', () => {
    fc.assert(
      fc.property(fc.double({ min: 0.5, max: 50, noNaN: true }), (ratio) => {
        const [zero, first, last] = circles([
          point(1, 0, around(40)),
          point(10, ratio),
          point(100, 2 * ratio),
        ]);
        expect((zero!.cy! - last!.cy!) / (zero!.cy! - first!.cy!)).toBeCloseTo(2, 0);
      }),
    );
  });

  it('has a line at 1 that what grows can be held against, however high it grows', () => {
    const svg = growthChart(withGrowth([point(1, 1), point(10, 70)]));
    const one = elements(svg, 'line').find(({ attributes }) => attributes.class === 'one');
    expect(one?.attributes.y1).toBe(elements(svg, 'circle')[0]?.attributes.cy);
  });

  it('gives every factor of ten the same width', () => {
    const [a, b, c] = circles([point(1, 1), point(10, 1), point(100, 1)]);
    expect(b!.cx! - a!.cx!).toBeCloseTo(c!.cx! - b!.cx!, 0);
  });

  it('draws the whiskers in the measure of the points', () => {
    const svg = growthChart(withGrowth([point(1, 1), point(10, 1.5, { median: 60, low: 40, high: 80 })]));
    const whiskers = elements(svg, 'line')
      .filter(({ attributes }) => attributes.class === 'whisker')
      .map(numbers);
    const [first, last] = elements(svg, 'circle').map(numbers);
    expect(whiskers[3]?.y1).toBeCloseTo(first!.cy!, 0);
    expect(whiskers[3]!.y1! - last!.cy!).toBeCloseTo(last!.cy! - whiskers[3]!.y2!, 0);
  });

  it('says how much memory there is at both ends', () => {
    const points = [point(1, 1), point(10, 1), { ...point(100, 1), rssBytes: 300 * 2 ** 20 }];
    const texts = elements(growthChart(withGrowth(points)), 'text').map(({ text }) => text);
    expect(texts.filter((text) => text.startsWith('RSS'))).toEqual(['RSS 80 MiB', 'RSS 300 MiB']);
  });

  it('leaves room between the quantities, and always names the last', () => {
    const points = Array.from({ length: 40 }, (_, i) => point(1000 + i, 1));
    const svg = growthChart(withGrowth(points));
    const labels = elements(svg, 'text').filter(({ text }) => /^1(k|,0\d\d|\.0\dk)$/.test(text));
    expect(labels.map(({ text }) => text).at(-1)).toMatch(/1\.04k|1,039/);
    const places = labels.map((label) => numbers(label).x!);
    for (const [i, x] of places.slice(1).entries()) expect(x - places[i]!).toBeGreaterThan(30);
  });
});
