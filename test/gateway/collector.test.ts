import { describe, expect, it } from 'vitest';
import { createCollector } from '../../src/gateway/collector.ts';

const mib = 1024 * 1024;
const large = 2 * mib;

describe('the collection of what has gone through', () => {
  it('comes each time 8 MiB have gone through', () => {
    let collections = 0;
    const passed = createCollector(() => collections++);
    for (let i = 0; i < 127; i++) passed(64 * 1024, large);
    expect(collections).toBe(0);
    passed(64 * 1024, large);
    expect(collections).toBe(1);
    for (let i = 0; i < 256; i++) passed(64 * 1024, large);
    expect(collections).toBe(3);
  });

  it('never comes for bodies of up to 1 MiB, however many', () => {
    let collections = 0;
    const passed = createCollector(() => collections++);
    for (let i = 0; i < 1_000; i++) passed(64 * 1024, mib);
    expect(collections).toBe(0);
    for (let i = 0; i < 128; i++) passed(64 * 1024, mib + 1);
    expect(collections).toBe(1);
  });

  it('frees pieces that nobody holds, and no others', () => {
    const passed = createCollector();
    const held: Buffer[] = [];
    const before = process.memoryUsage().arrayBuffers;
    for (let i = 0; i < 400; i++) {
      const piece = Buffer.alloc(64 * 1024, i);
      if (i % 100 === 0) held.push(piece);
      passed(piece.length, large);
    }
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 * mib);
    expect(held.map((piece) => piece[12_345])).toEqual([0, 100, 200, 300].map((n) => n & 0xff));
  });

  it('leaves no gc() to the rest of the program', () => {
    createCollector()(8 * mib, 8 * mib);
    expect('gc' in globalThis).toBe(false);
  });
});
