import { describe, expect, it } from 'vitest';
import { recordedLog } from '../support/recorded-log.ts';

const recorded = (colour = false) => recordedLog({ format: 'pretty', colour });

const line = {
  id: 'a-1',
  trace_id: 'a'.repeat(32),
  span_id: 'b'.repeat(16),
  isGiven: false,
  method: 'GET',
  route: '/realer',
  status: 200,
  ms: 12.34,
  token: 'ready',
};

describe('a log for a person', () => {
  it('shows an exchange as method, route, status and time, without ids as long as it went well', () => {
    const { log, lines } = recorded();
    log.exchange(line);
    expect(lines[0]).toMatch(
      /^\d\d:\d\d:\d\d\.\d{3} info {2}GET {4}\/realer {10}200 {5}12\.3 ms token ready\n$/,
    );
  });

  it('puts the same things of every exchange below each other', () => {
    const { log, lines } = recorded();
    log.exchange(line);
    log.exchange({ ...line, method: 'DELETE', route: '/revo', ms: 1_234.5 });
    expect(lines.map((one) => one.indexOf(' ms '))).toEqual([
      lines[0]!.indexOf(' ms '),
      lines[0]!.indexOf(' ms '),
    ]);
    expect(lines.map((one) => one.indexOf(' 200 '))).toEqual([
      lines[0]!.indexOf(' 200 '),
      lines[0]!.indexOf(' 200 '),
    ]);
  });

  it('says what went wrong and gives the id to look for', () => {
    const { log, lines } = recorded();
    log.exchange({ ...line, status: 502, error: 'upstream-closed', cause: 'ECONNRESET' });
    log.exchange({ ...line, status: 0, aborted: 'caller', route: undefined });
    expect(lines[0]).toMatch(/ 502 .* ms token ready upstream-closed cause=ECONNRESET id=a-1\n$/);
    expect(lines[1]).toMatch(/ - +--- .* broken off by caller id=a-1\n$/);
  });

  it('ends with what to do', () => {
    const { log, lines } = recorded();
    log.warn('token request failed', { credential: 'c', what_to_do: 'check the network', error: 'x' });
    expect(lines[0]).toMatch(/ warn {2}token request failed credential=c error=x → check the network\n$/);
  });

  it('has colours only where they are wanted', () => {
    const [plain, coloured] = [recorded(false), recorded(true)];
    for (const { log } of [plain, coloured]) {
      log.exchange(line);
      log.error('bad', { credential: 'c', what_to_do: 'this' });
    }
    expect(plain.lines.join('')).not.toContain('\u001b');
    expect(coloured.lines[1]).toContain('\u001b[31m');
    const bare = coloured.lines.map((one) => one.replace(/\u001b\[\d+m/g, '').slice(13));
    expect(bare).toEqual(plain.lines.map((one) => one.slice(13)));
  });
});
