import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { interpolate, isPlaceholderOnly } from '../../src/config/interpolate.ts';

const env = { NAME: 'value', EMPTY: '', DIR: 'sub', _x9: 'nine' };
const files: Record<string, string> = {
  '/etc/cupbearer/secret': 'from file\n',
  '/run/two': 'two\n\n',
  '/run/crlf': 'dos\r\n',
  '/run/raw': 'raw',
};
const sources = {
  file: '/etc/cupbearer/routes.yaml',
  env,
  readFile(path: string): string {
    const text = files[path];
    if (text === undefined) throw Object.assign(new Error(path), { code: 'ENOENT' });
    return text;
  },
};

describe('a placeholder', () => {
  it.each([
    ['${NAME}', 'value'],
    ['a ${NAME} b ${_x9}', 'a value b nine'],
    ['${env:NAME}', 'value'],
    ['${EMPTY}', ''],
    ['${NAME:-other}', 'value'],
    ['${GONE:-other}', 'other'],
    ['${EMPTY:-other}', 'other'],
    ['${GONE:-}', ''],
    ['${GONE:-https://api.example/v1?a=b}', 'https://api.example/v1?a=b'],
    ['${env:GONE:-other}', 'other'],
    ['${GONE:-${NAME}}', 'value'],
    ['${GONE:-a${GONE:-b${NAME}}c}', 'abvaluec'],
    ['${GONE:-${file:secret}}', 'from file'],
    ['${file:secret}', 'from file'],
    ['${file:/etc/cupbearer/secret}', 'from file'],
    ['${file:./secret}', 'from file'],
    ['${file:/run/two}', 'two\n'],
    ['${file:/run/crlf}', 'dos'],
    ['${file:/run/raw}', 'raw'],
    ['$${NAME}', '${NAME}'],
    ['$${NAME} ${NAME}', '${NAME} value'],
    ['$NAME $ $$ }', '$NAME $ $$ }'],
    ['{tenant}', '{tenant}'],
  ])('%s gives %j', (text, expected) => {
    expect(interpolate(text, sources)).toEqual({ ok: true, text: expected });
  });

  it.each([
    ['${GONE}', 'the environment variable GONE is not set; set it, or give a default: ${GONE:-…}'],
    [
      '${toString}',
      'the environment variable toString is not set; set it, or give a default: ${toString:-…}',
    ],
    ['${file:/run/gone}', 'cannot read the file /run/gone: there is no such file'],
    ['${NAME', 'a placeholder has no closing brace; write $${ for a literal ${'],
    ['${GONE:-x', 'the default of ${GONE:-…} has no closing brace'],
    ['${}', expect.stringMatching(/^a placeholder is not understood: write \$\{NAME\}/)],
    ['${9LIVES}', expect.stringMatching(/^a placeholder is not understood/)],
    ['${NAME-x}', expect.stringMatching(/^a placeholder is not understood/)],
    ['${file:}', expect.stringMatching(/^a placeholder is not understood/)],
    ['${A:-'.repeat(50), 'placeholders are nested too deeply'],
  ])('%s is refused', (text, reason) => {
    const result = interpolate(text, sources);
    expect(result).toEqual({ ok: false, reasons: expect.arrayContaining([reason]) });
  });

  it('is not looked for in values', () => {
    const nested = { ...sources, env: { A: '${NAME}', B: '$${x}' } };
    expect(interpolate('${A}${B}', nested)).toEqual({ ok: true, text: '${NAME}$${x}' });
  });

  it('tells everything that is wrong with one text', () => {
    const result = interpolate('${GONE} ${file:/run/gone} ${?}', sources);
    expect(result).toMatchObject({ ok: false, reasons: { length: 3 } });
  });

  it.each([
    ['ENOENT', 'there is no such file'],
    ['EACCES', 'no permission'],
    ['EISDIR', 'it is a directory'],
    ['ERR_ENCODING_INVALID_ENCODED_DATA', 'it is not UTF-8 text'],
    ['EIO', 'EIO'],
  ])('says why a file cannot be read: %s', (code, why) => {
    const failing = {
      ...sources,
      readFile: () => {
        throw Object.assign(new Error('secret of the system'), { code });
      },
    };
    expect(interpolate('${file:/f}', failing)).toEqual({
      ok: false,
      reasons: [`cannot read the file /f: ${why}`],
    });
  });
});

describe('interpolation', () => {
  it('never throws and never lets a value into a reason', () => {
    const pieces = fc.constantFrom(
      '${',
      '}',
      '$',
      '$${',
      ':-',
      'NAME',
      'GONE',
      'file:',
      'env:',
      '/run/raw',
      'x',
      ' ',
    );
    const secrets = { ...sources, env: { NAME: 'S3CR3T' }, readFile: () => 'S3CR3T' };
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(pieces).map((list) => list.join('')),
        ),
        (text) => {
          const result = interpolate(text, secrets);
          if (!result.ok) expect(result.reasons.join(' ')).not.toContain('S3CR3T');
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it('leaves texts without placeholders as they are', () => {
    fc.assert(
      fc.property(
        fc.string().filter((text) => !text.includes('${')),
        (text) => {
          expect(interpolate(text, sources)).toEqual({ ok: true, text });
        },
      ),
    );
  });

  it('puts any value in unchanged, and an escaped text back', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (value, literal) => {
        const escaped = literal.replaceAll('$', '').replaceAll('{', () => '$${');
        const result = interpolate(`${escaped}\${V}`, { ...sources, env: { V: value } });
        expect(result).toEqual({
          ok: true,
          text: literal.replaceAll('$', '').replaceAll('{', () => '${') + value,
        });
      }),
    );
  });
});

describe('a text that shows no value itself', () => {
  it.each(['${A}', '${env:A}', '${file:/run/a}', '${A}${B}'])('is %s', (text) => {
    expect(isPlaceholderOnly(text)).toBe(true);
  });
  it.each(['', 'a${A}', '${A:-x}', '${A} ', '${A}x${B}', '$${A}', '${file:${A}}'])('is not %s', (text) => {
    expect(isPlaceholderOnly(text)).toBe(false);
  });
});
