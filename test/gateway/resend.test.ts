import { describe, expect, it } from 'vitest';
import { exchangeFactory } from '../../src/gateway/record.ts';
import { mayResend } from '../../src/gateway/resend.ts';

const stale = { isStale: true };
const kept = { replayable: true };
const record = (method: string) => exchangeFactory(() => 0)(method);

describe('a request whose connection broke', () => {
  it.each(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE'])('may be sent again when it is %s', (method) => {
    expect(mayResend(record(method), stale, kept)).toBe(true);
  });

  it.each(['POST', 'PATCH', 'TRACE', 'CONNECT', 'LOCK', 'get', ''])('may not when it is %j', (method) => {
    expect(mayResend(record(method), stale, kept)).toBe(false);
  });

  it('may not a second time, whatever came between', () => {
    expect(mayResend(Object.assign(record('GET'), { resent: true }), stale, kept)).toBe(false);
  });

  it.each([
    ['its connection was new, or an answer had begun', { isStale: false }, kept],
    ['it was never sent', undefined, kept],
    ['its body was not kept', stale, { replayable: false }],
    ['its body was not read', stale, undefined],
  ])('may not when %s', (_why, attempt, body) => {
    expect(mayResend(record('GET'), attempt, body)).toBe(false);
  });
});
