import { describe, expect, it } from 'vitest';
import { rawFields } from '../../src/gateway/raw-fields.ts';

/** The texts as pieces of one chunk, with something before, between and behind them. */
function pieces(chunk: string, ...texts: string[]): Buffer[] {
  const bytes = Buffer.from(chunk, 'latin1');
  return texts.map((text) => {
    const start = chunk.indexOf(text);
    return bytes.subarray(start, start + text.length);
  });
}

describe('raw fields', () => {
  it('are the bytes of a head, one character each', () => {
    const head = pieces(
      'HTTP/1.1 200 OK\r\nETag: "\xe9\xff"\r\nX-Empty:\r\n\r\n',
      'ETag',
      '"\xe9\xff"',
      'X-Empty',
      '',
    );
    expect(rawFields(head)).toEqual(['ETag', '"\xe9\xff"', 'X-Empty', '']);
  });

  it('are whole when a head came in several chunks', () => {
    const [name, value, last] = pieces('X-A: 1\r\nX-Late: ', 'X-A', '1', 'X-Late') as [
      Buffer,
      Buffer,
      Buffer,
    ];
    const late = pieces(`${' '.repeat(4096)}later\r\nX-B: 2`, 'later', 'X-B', '2');
    expect(rawFields([name, value, last, ...late])).toEqual(['X-A', '1', 'X-Late', 'later', 'X-B', '2']);
    // A piece that a chunk's end cut in two was put together elsewhere.
    const joined = Buffer.concat([Buffer.from('X-Jo'), Buffer.from('ined')]);
    expect(rawFields([name, value, joined, last])).toEqual(['X-A', '1', 'X-Joined', 'X-Late']);
    expect(rawFields([joined, value, name, last])).toEqual(['X-Joined', '1', 'X-A', 'X-Late']);
  });

  it('are whole in whatever order they lie in memory', () => {
    const [first, second, third] = pieces('one two three', 'one', 'two', 'three') as [Buffer, Buffer, Buffer];
    expect(rawFields([second, third, first, second])).toEqual(['two', 'three', 'one', 'two']);
    expect(rawFields([third, first, second, first])).toEqual(['three', 'one', 'two', 'one']);
  });

  it('of HTTP/2 come as an object and are made flat, pseudo-fields left out', () => {
    const flat = rawFields({ ':status': '200', etag: '"1"', 'set-cookie': ['a', 'b'] });
    expect(flat).toEqual(['etag', '"1"', 'set-cookie', 'a', 'set-cookie', 'b']);
  });

  it('are none when there are none', () => {
    expect(rawFields(null)).toEqual([]);
    expect(rawFields([])).toEqual([]);
  });
});
