import { describe, expect, it } from 'vitest';
import { bodyLength } from '../../src/gateway/framing.ts';

/** The outcome for fields with these values. */
function outcome(lengths: string[], codings: string[], method = 'POST', isHttp10 = false): number | string {
  const framing = {
    length: lengths.at(-1),
    lengths: lengths.length,
    coding: codings.at(-1),
    codings: codings.length,
  };
  try {
    return bodyLength(framing, method, isHttp10);
  } catch (error) {
    return (error as { code: string }).code;
  }
}

describe('the framing of a request', () => {
  it.each([
    ['0', 0],
    ['5', 5],
    ['007', 7],
    ['9007199254740991', Number.MAX_SAFE_INTEGER],
  ])('is one Content-Length: %s', (value, bytes) => expect(outcome([value], [])).toBe(bytes));

  it.each(['chunked', 'Chunked', 'CHUNKED'])('is Transfer-Encoding: %s', (value) =>
    expect(outcome([], [value])).toBe('chunked'),
  );

  // Node's parser refuses most of these before; the rule does not rely on it.
  it.each<[string[], string[]]>([
    [['5', '5'], []],
    [['5', '6'], []],
    ...[
      '',
      ' ',
      '+5',
      '-5',
      '5.0',
      '5e0',
      '0x5',
      '5 5',
      '5,5',
      '٤',
      '9007199254740992',
      '18446744073709551615',
    ].map((value): [string[], string[]] => [[value], []]),
    [['5'], ['chunked']],
    [['0'], ['chunked']],
    [[], ['chunked', 'chunked']],
    [[], ['gzip', 'chunked']],
    ...[
      '',
      'gzip',
      'identity',
      'xchunked',
      'chunked, chunked',
      'gzip, chunked',
      'chunked;a',
      '"chunked"',
    ].map((value): [string[], string[]] => [[], [value]]),
  ])('is refused when it is Content-Length %j and Transfer-Encoding %j', (lengths, codings) =>
    expect(outcome(lengths, codings)).toBe('malformed-request'),
  );

  it('of HTTP/1.0 is never chunked, and no body for GET and HEAD', () => {
    expect(outcome([], ['chunked'], 'POST', true)).toBe('malformed-request');
    expect(outcome(['5'], [], 'GET', true)).toBe('malformed-request');
    expect(outcome(['5'], [], 'HEAD', true)).toBe('malformed-request');
    expect(outcome(['0'], [], 'GET', true)).toBe(0);
    expect(outcome(['5'], [], 'POST', true)).toBe(5);
    expect(outcome(['5'], [], 'GET', false)).toBe(5);
  });
});
