import { describe, expect, it } from 'vitest';
import { createScrubber } from '../../src/telemetry/scrubber.ts';
import { recordedLog } from '../support/recorded-log.ts';

function recorded(service?: string) {
  const { log, lines } = recordedLog({ format: 'ecs', ...(service && { service }) });
  return { log, lines, parsed: () => lines.map((line) => JSON.parse(line)) };
}

const line = {
  id: 'a-1',
  trace_id: 'a'.repeat(32),
  span_id: 'b'.repeat(16),
  isGiven: false,
  method: 'GET',
  route: '/x',
  credential: 'c',
  caller: 'billing',
  status: 200,
  ms: 12.3,
  upstream_ms: 10,
  token: 'ready',
};

describe('a log in the Elastic Common Schema', () => {
  it('has its names for what is known of an exchange', () => {
    const { log, parsed } = recorded();
    log.exchange({ ...line, retry: 'recovered', cause: 'ECONNRESET', sample_rate: 0.5 });
    const [{ '@timestamp': time, ...rest }] = parsed();
    expect(Date.parse(time)).toBeGreaterThan(0);
    expect(rest).toEqual({
      'log.level': 'info',
      message: 'exchange',
      'ecs.version': '8.17.0',
      'service.name': 'cupbearer',
      'event.dataset': 'cupbearer.exchange',
      'event.outcome': 'success',
      'event.duration': 12_300_000,
      'http.request.id': 'a-1',
      'http.request.method': 'GET',
      'http.response.status_code': 200,
      'trace.id': 'a'.repeat(32),
      'span.id': 'b'.repeat(16),
      'cupbearer.route': '/x',
      'cupbearer.credential': 'c',
      'cupbearer.caller': 'billing',
      'cupbearer.upstream_ms': 10,
      'cupbearer.token': 'ready',
      'cupbearer.retry': 'recovered',
      'cupbearer.cause': 'ECONNRESET',
      'cupbearer.sample_rate': 0.5,
    });
  });

  it('begins every line as the schema wants, a newline at its end', () => {
    const { log, lines } = recorded();
    log.exchange(line);
    log.warn('token request failed');
    expect(lines).toHaveLength(2);
    for (const one of lines) {
      expect(Object.keys(JSON.parse(one)).slice(0, 4)).toEqual([
        '@timestamp',
        'log.level',
        'message',
        'ecs.version',
      ]);
      expect(one.endsWith('}\n')).toBe(true);
    }
  });

  it.each([
    [{ status: 404 }, 'failure'],
    [{ status: 502, error: 'upstream-closed' }, 'failure'],
    [{ status: 0, aborted: 'caller' }, 'failure'],
    [{ status: 200, aborted: 'upstream' }, 'failure'],
    [{ status: 304 }, 'success'],
  ])('tells the outcome of %j: %s', (facts, outcome) => {
    const { log, parsed } = recorded();
    log.exchange(line);
    log.exchange({ ...line, ...facts });
    expect(parsed()[1]['event.outcome']).toBe(outcome);
    if ('error' in facts) expect(parsed()[1]['error.code']).toBe(facts.error);
  });

  it('has its names in other lines too, and the level of each', () => {
    const { log, parsed } = recorded('payments');
    log.error('token request failed', {
      credential: 'c',
      error: 'http_503',
      detail: 'no',
      status: 503,
      ms: 1.5,
    });
    log.debug('quiet');
    expect(parsed()).toEqual([
      {
        '@timestamp': expect.any(String),
        'log.level': 'error',
        message: 'token request failed',
        'ecs.version': '8.17.0',
        'service.name': 'payments',
        'event.dataset': 'cupbearer.log',
        'cupbearer.credential': 'c',
        'error.code': 'http_503',
        'error.message': 'no',
        'http.response.status_code': 503,
        'event.duration': 1_500_000,
      },
    ]);
  });
});

describe('ids that a caller has chosen', () => {
  const secret = '0123456789abcdef0123456789abcdef';
  it.each(['json', 'ecs'] as const)('are cleaned of secrets as %s, ours are left alone', (format) => {
    const scrubber = createScrubber();
    scrubber.add(secret);
    const { log, lines } = recordedLog({ format, scrubber });
    log.exchange({ ...line, id: `x-${secret}`, isGiven: true });
    log.exchange({ ...line, trace_id: secret, isGiven: true });
    log.exchange(line);
    expect(lines.join('')).not.toContain(secret);
    expect(lines.map((text) => text.includes('[secret]'))).toEqual([true, true, false]);
    for (const text of lines) expect(() => JSON.parse(text)).not.toThrow();
  });
});
