import { describe, expect, it } from 'vitest';
import { errorFacts } from '../../src/telemetry/error-facts.ts';

describe('what is told of an error', () => {
  it('is its kind, its code and where it arose', () => {
    const error = Object.assign(new RangeError('SENT-message'), {
      code: 'ERR_OUT_OF_RANGE',
      headers: ['SENT-header'],
    });
    error.stack = [
      'RangeError: SENT-message',
      '    at work (file:///home/me/cupbearer/src/cli/start.ts:12:5)',
      '    at async Promise.all (index 0)',
      '    at /opt/app/node_modules/undici/lib/dispatcher/pool.js:7:1',
      '    at node:internal/main:3:4',
      '    at eval (/tmp/SENT-path.js:1:1)',
    ].join('\n');
    expect(errorFacts(error)).toEqual({
      error: 'RangeError',
      code: 'ERR_OUT_OF_RANGE',
      causes: undefined,
      at: 'src/cli/start.ts:12 < node_modules/undici/lib/dispatcher/pool.js:7 < node:internal/main:3',
    });
  });

  it('is also what caused it, and what it is made of', () => {
    const reset = Object.assign(new Error('SENT'), { code: 'ECONNRESET' });
    const parts = [Object.assign(new Error('SENT'), { code: 'ECONNREFUSED' }), 'SENT'];
    expect(errorFacts(new TypeError('SENT', { cause: reset })).causes).toBe('Error ECONNRESET');
    expect(errorFacts(new AggregateError(parts, 'SENT')).causes).toBe('Error ECONNREFUSED');
  });

  it('ends with errors that cause each other', () => {
    const first = new Error('a');
    const second = new Error('b', { cause: first });
    first.cause = second;
    expect(errorFacts(first).causes).toMatch(/^Error(?:, Error){0,3}$/);
  });

  it('is no frame that a message pretends to be', () => {
    const message = 'x\n    at SENT (/app/src/SENT.ts:1:1)';
    expect(errorFacts(new Error(message)).at).not.toMatch(/SENT/);
    expect(errorFacts(new Error(message)).at).toMatch(/node_modules/);
  });

  it.each([
    ['nothing', undefined],
    ['a text', 'SENT-text'],
    ['a null', null],
    ['no error', { name: 'SENT', code: 'SENT-code', message: 'SENT', stack: 'SENT' }],
    [
      'names that say too much',
      Object.assign(new Error(''), { name: 'SENT-name is this', code: 'SENT-code', stack: 7 }),
    ],
  ])('is nothing of %s', (_what, thrown) => {
    expect(errorFacts(thrown)).toEqual({
      error: 'unknown',
      code: undefined,
      causes: undefined,
      at: undefined,
    });
  });
});
