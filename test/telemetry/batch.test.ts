import { describe, expect, it } from 'vitest';
import { batched } from '../../src/telemetry/batch.ts';

/** A batch of `size` bytes, and what it has handed on. */
function batch(size: number) {
  const handed: Buffer[] = [];
  const made = batched({ write: (bytes) => void handed.push(bytes) }, size);
  return { ...made, handed, texts: () => handed.map(String) };
}

describe('a batch', () => {
  it('hands lines on together, in order, when it is full or asked to', () => {
    const { write, flush, texts } = batch(32);
    for (const line of ['one\n', 'two\n', 'three\n', 'four\n', 'five\n', 'six\n', 'seven\n']) write(line);
    expect(texts().length).toBe(1);
    flush();
    flush();
    expect(texts().join('')).toBe('one\ntwo\nthree\nfour\nfive\nsix\nseven\n');
    expect(texts().length).toBe(2);
  });

  it('keeps every character, whatever its length in UTF-8', () => {
    const { write, flush, texts } = batch(32);
    const lines = ['aé€\n', '\u{1f600}\u{1f600}\n', '€€€€€€€€€\n', 'é'.repeat(100), 'z\n'];
    for (const line of lines) write(line);
    flush();
    expect(texts().join('')).toBe(lines.join(''));
  });

  it('leaves alone what it has handed on, and hands on no more memory than it holds', () => {
    const { write, flush, handed } = batch(1024 * 1024);
    write('first\n');
    flush();
    write('again\n');
    flush();
    expect(handed.map(String)).toEqual(['first\n', 'again\n']);
    expect(handed[0]?.buffer.byteLength).toBe(6);
  });
});
