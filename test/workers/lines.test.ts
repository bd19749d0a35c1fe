import { PassThrough } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { wholeLines } from '../../src/workers/lines.ts';

async function handed(chunks: readonly Buffer[]): Promise<string[]> {
  const stream = new PassThrough();
  const taken: string[] = [];
  wholeLines(stream, (lines) => taken.push(lines));
  for (const chunk of chunks) {
    stream.write(chunk);
    await new Promise(setImmediate);
  }
  const ended = new Promise((resolve) => stream.on('end', resolve));
  stream.end();
  await ended;
  return taken;
}

describe('lines of another process', () => {
  it('are handed on whole, however they come', async () => {
    const line = fc.string({ unit: 'grapheme', maxLength: 20 }).map((text) => text.replaceAll('\n', ''));
    await fc.assert(
      fc.asyncProperty(
        fc.array(line, { maxLength: 8 }),
        fc.infiniteStream(fc.integer({ min: 1, max: 9 })),
        async (lines, sizes) => {
          const text = lines.map((one) => `${one}\n`).join('');
          const bytes = Buffer.from(text);
          const chunks: Buffer[] = [];
          for (let at = 0; at < bytes.length; ) {
            const size = sizes.next().value as number;
            chunks.push(bytes.subarray(at, at + size));
            at += size;
          }
          const taken = await handed(chunks);
          expect(taken.join('')).toBe(text);
          for (const part of taken) expect(part.endsWith('\n')).toBe(true);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('end with a newline when the process ended within one', async () => {
    expect(await handed([Buffer.from('whole\nbroken')])).toEqual(['whole\n', 'broken\n']);
  });

  it('are not kept for ever when no newline comes', async () => {
    const taken = await handed([Buffer.alloc(600_000, 'a'), Buffer.alloc(600_000, 'b')]);
    expect(taken[0]).toHaveLength(1_200_000);
  });
});
