import { describe, expect, it } from 'vitest';
import { CupbearerError, type ErrorCode, errorTable } from '../../src/errors.ts';
import { problemAnswer } from '../../src/gateway/problem.ts';

describe('a problem answer', () => {
  it.each(Object.keys(errorTable) as ErrorCode[])(
    'for %s has its status, its type and a Proxy-Status',
    (code) => {
      const answer = problemAnswer(new CupbearerError(code, 'what to do'), 'id-1');
      expect(answer.status).toBe(errorTable[code].status);
      expect(JSON.parse(answer.body)).toEqual({
        type: `urn:cupbearer:problem:${code}`,
        title: errorTable[code].title,
        status: answer.status,
        detail: 'what to do',
        instance: 'id-1',
      });
      expect(answer.headers['proxy-status']).toBe(
        `cupbearer; error=${errorTable[code].proxyStatus}; details="${code}"`,
      );
      expect(answer.headers['content-length']).toBe(String(Buffer.byteLength(answer.body)));
      expect(answer.headers['www-authenticate'] !== undefined).toBe(answer.status === 401);
    },
  );

  it('says in whole seconds when to come again', () => {
    expect(
      problemAnswer(new CupbearerError('token-unavailable', 'x', { retryAfterMs: 1_001 }), '').headers[
        'retry-after'
      ],
    ).toBe('2');
    expect(
      problemAnswer(new CupbearerError('token-unavailable', 'x', { retryAfterMs: 0 }), '').headers[
        'retry-after'
      ],
    ).toBe('1');
  });

  it('tells nothing of an error it does not know', () => {
    const answer = problemAnswer(new Error('password=hunter2'), 'id');
    expect(answer.status).toBe(500);
    expect(answer.body).not.toContain('hunter2');
  });
});
