import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createScrubber } from '../../src/telemetry/scrubber.ts';
import { WindowIndex } from '../../src/telemetry/window-index.ts';
import { encodings } from '../support/encodings.ts';

const secretText = fc.oneof(
  fc.string({ unit: 'grapheme', minLength: 8, maxLength: 60 }),
  fc.string({ unit: 'binary', minLength: 8, maxLength: 60 }),
  fc.stringMatching(/^[A-Za-z0-9+/=_~.-]{8,200}$/),
  fc.stringMatching(/^[ %+\\"'&/]{8,20}$/),
);
const around = fc.oneof(fc.string({ unit: 'binary' }), fc.stringMatching(/^[%\\u0-9a-f+/]{0,9}$/));

describe('the scrubber', () => {
  it.each(encodings)('leaves no secret that is $name, whatever surrounds it', ({ encode }) => {
    fc.assert(
      fc.property(
        secretText,
        fc.array(secretText, { maxLength: 5 }),
        around,
        around,
        (secret, others, before, after) => {
          const scrubber = createScrubber();
          for (const one of [secret, ...others]) scrubber.add(one);
          const hidden = encode(secret.toWellFormed(), before.toWellFormed(), after.toWellFormed());
          expect(hidden.text).toContain(hidden.core);
          const scrubbed = scrubber.scrub(hidden.text);
          expect(scrubbed).toContain('[secret]');
          expect(scrubbed).not.toContain(hidden.core);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('leaves a text without secrets as it is', () => {
    fc.assert(
      fc.property(
        fc.array(fc.stringMatching(/^[A-Z]{8,30}$/)),
        fc.string({ unit: 'binary' }),
        (secrets, text) => {
          const scrubber = createScrubber();
          for (const one of secrets) scrubber.add(one);
          const innocent = text.replace(/[A-Z]/g, 'x');
          expect(scrubber.scrub(innocent)).toBe(innocent);
        },
      ),
      { numRuns: 1_000 },
    );
  });

  it('leaves what surrounds a secret as it is', () => {
    const scrubber = createScrubber();
    scrubber.add('SENT-secret/1');
    expect(scrubber.scrub('é {"a":"x\\"SENT-secret\\/1\\n"} ü?k=SENT-secret%2f1&b=%41 SENT-secret/')).toBe(
      'é {"a":"x\\"[secret]\\n"} ü?k=[secret]&b=%41 SENT-secret/',
    );
  });

  it('finds secrets that overlap, and one that is a part of another', () => {
    const scrubber = createScrubber();
    for (const one of ['abcdefgh', 'efghijkl', 'abcdefghijklmnop']) scrubber.add(one);
    expect(scrubber.scrub('<abcdefghijkl> <abcdefghijklmnop> <abcdefghabcdefgh>')).toBe(
      '<[secret]> <[secret]> <[secret][secret]>',
    );
  });

  it('finds no secret shorter than 8 characters', () => {
    const scrubber = createScrubber();
    for (const one of ['', 'a', 'message']) {
      scrubber.add(one);
      scrubber.note(one);
      scrubber.remove(one);
    }
    expect(scrubber.scrub('a message')).toBe('a message');
  });

  it('knows a secret until it was removed as often as it was added', () => {
    const scrubber = createScrubber();
    scrubber.add('the-secret');
    scrubber.add('the-secret');
    scrubber.remove('the-secret');
    expect(scrubber.scrub('the-secret')).toBe('[secret]');
    scrubber.remove('the-secret');
    scrubber.remove('the-secret');
    expect(scrubber.scrub('the-secret')).toBe('the-secret');
  });

  it('knows a secret that was noted, although it was removed', () => {
    const scrubber = createScrubber();
    scrubber.add('the-secret');
    scrubber.note('the-secret');
    scrubber.remove('the-secret');
    expect(scrubber.scrub('the-secret')).toBe('[secret]');
  });

  it('forgets the noted ones that are oldest, and none that was added', () => {
    const scrubber = createScrubber();
    scrubber.add('configured');
    scrubber.note('configured');
    scrubber.note('noted-again');
    for (let n = 0; n < 4_096; n++) {
      if (n === 2_000) scrubber.note('noted-again');
      scrubber.note(`token-number-${n}`);
    }
    expect(scrubber.scrub('configured noted-again')).toBe('[secret] [secret]');
    expect(scrubber.scrub('token-number-0')).toBe('token-number-0');
    expect(scrubber.scrub('token-number-1 token-number-4095')).toBe('[secret] [secret]');
  });

  it('keeps no more text of noted ones than 16 Mi characters', () => {
    const scrubber = createScrubber();
    const long = (n: number) => `${n}`.padEnd(1024 * 1024, 'x');
    for (let n = 10; n < 27; n++) scrubber.note(long(n));
    expect(scrubber.scrub(long(10))).toBe(long(10));
    expect(scrubber.scrub(long(11))).toBe('[secret]');
  });

  describe('with secrets made to be alike wherever it looks', () => {
    /** They differ in one character, at a place that is not looked at. */
    const alike = (n: number) =>
      `${'ab'.repeat(24)}${String(n).padStart(4, '0')}${'cd'.repeat(20)}`.padEnd(2_005, 'efgh');
    const hostile = Array.from({ length: 300 }, (_, n) => alike(n));

    it('does a bounded work', () => {
      const index = new WindowIndex();
      for (const one of hostile) index.add(one);
      // Without looking at them one by one.
      for (const text of [alike(1_000), 'efgh'.repeat(1_000), 'abab'.repeat(1_000)])
        expect(index.find(text, () => {})).toBeLessThan(2 ** 20);
      const lone = new WindowIndex();
      lone.add('x'.repeat(2_005));
      let masked = 0;
      const work = lone.find('x'.repeat(2_004).concat('y').repeat(20), (start, end) => {
        masked = Math.max(masked, end - start);
      });
      expect(work).toBeLessThanOrEqual(2 ** 20 + 64 * 2_005 * 20 + 2_005);
      expect(masked).toBe(2_005 * 20);
    });

    it('leaves none of them, and forgets all of them', () => {
      const scrubber = createScrubber();
      for (const one of hostile) scrubber.add(one);
      for (const one of hostile) expect(scrubber.scrub(`a ${one} b`)).not.toContain(one.slice(8, 64));
      expect(scrubber.scrub('an innocent line of a log')).toBe('an innocent line of a log');
      for (const one of hostile.slice(1)) scrubber.remove(one);
      expect(scrubber.scrub(`a ${alike(0)} b`)).toBe('a [secret] b');
      scrubber.remove(alike(0));
      expect(scrubber.scrub(`a ${alike(0)} b`)).toBe(`a ${alike(0)} b`);
    });
  });

  it('shows nothing of a text that is too long to look at', () => {
    const scrubber = createScrubber();
    scrubber.add('the-secret');
    expect(scrubber.scrub('x'.repeat(4 * 2 ** 20 + 1))).toBe('[secret]');
  });

  it('takes as long with thousands of secrets that begin and end alike as with one', () => {
    const line = `a line with eyJhbGciOiJSUzI1NiJ9.${'eyJ'.repeat(300)}.signature-of-no-token== in it`;
    const timeFor = (secrets: number) => {
      const scrubber = createScrubber();
      for (let n = 0; n < secrets; n++) {
        scrubber.add(`eyJhbGciOiJSUzI1NiJ9.${'eyJ'.repeat(100)}${(n * 7_919_777) % 1_000_003}.signature==`);
      }
      const times = Array.from({ length: 15 }, () => {
        const start = performance.now();
        for (let n = 0; n < 100; n++) expect(scrubber.scrub(line) === line).toBe(true);
        return performance.now() - start;
      });
      return Math.min(...times);
    };
    timeFor(1);
    expect(timeFor(4_000)).toBeLessThan(timeFor(1) * 5);
  });
});
