import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { type LogFormat, logFormats } from '../../src/telemetry/log.ts';
import { createScrubber } from '../../src/telemetry/scrubber.ts';
import { recordedLog } from '../support/recorded-log.ts';

const recorded = (format: LogFormat = 'json') => recordedLog({ format, colour: true });

const ids = { trace_id: 'a'.repeat(32), span_id: 'b'.repeat(16), isGiven: false };
const shownIds = { trace_id: 'a'.repeat(32), span_id: 'b'.repeat(16) };

describe('the log', () => {
  it('writes one JSON line for an exchange, with what is known and nothing else', () => {
    const { log, lines } = recorded();
    log.exchange({
      ...ids,
      id: 'a-1',
      method: 'GET',
      route: '/x',
      credential: 'c',
      status: 200,
      ms: 1.5,
      upstream_ms: 1,
      token: 'ready',
    });
    expect(lines).toHaveLength(1);
    const { time, ...line } = JSON.parse(lines[0]!);
    expect(Date.parse(time)).toBeGreaterThan(0);
    expect(line).toEqual({
      level: 'info',
      msg: 'exchange',
      ...shownIds,
      id: 'a-1',
      method: 'GET',
      route: '/x',
      credential: 'c',
      status: 200,
      ms: 1.5,
      upstream_ms: 1,
      token: 'ready',
    });
  });

  it('writes what differs from the line before, whatever it is', () => {
    const { log, lines } = recorded();
    const line = { id: 'a-1', method: 'GET', route: '/x', credential: 'c', status: 200, ms: 1 };
    const others = [
      line,
      { ...line, id: 'a-2', ms: 2, upstream_ms: 1.5 },
      { ...line, method: 'POST' },
      { ...line, route: '/y' },
      { ...line, credential: 'd' },
      { ...line, caller: 'odd "name"' },
      { ...line, status: 401 },
      { ...line, token: 'waited' },
      { ...line, retry: 'recovered' },
      { ...line, resent: 'stale-connection' },
      { ...line, sample_rate: 0.5 },
      { ...line, tunnel: 'idle' },
      { ...line, aborted: 'caller' },
      { ...line, error: 'upstream-closed' },
      { ...line, cause: 'ECONNRESET' },
      { id: 'a-3', method: 'GET', status: 404, ms: 0.1, error: 'route-not-found' },
    ];
    for (const one of [...others, ...others.toReversed()]) log.exchange({ ...ids, ...one });
    const written = lines.map((text) => {
      const { time: _time, level: _level, msg: _msg, ...rest } = JSON.parse(text);
      return rest;
    });
    const expected = others.map((one) => ({ ...shownIds, ...one }));
    expect(written).toEqual([...expected, ...expected.toReversed()]);
  });

  it('raises an internal error to level error and keeps debug out', () => {
    const { log, lines } = recorded();
    log.exchange({ ...ids, id: 'a-1', method: 'GET', status: 500, ms: 1, error: 'internal' });
    log.debug('quiet');
    expect(lines.map((line) => JSON.parse(line).level)).toEqual(['error']);
  });

  it('keeps control characters of a caller inside one line', () => {
    const { log, lines } = recorded();
    log.warn('odd', { method: 'A\r\n{"level":"fake"}\u001b[31m' });
    expect(lines[0]!.trimEnd()).not.toMatch(/[\r\n\u001b]/);
  });

  it.each(logFormats)('shows no character that a terminal obeys or hides, as %s', (format) => {
    const { log, lines } = recorded(format);
    const pretty = format === 'pretty';
    const odd = 'a\r\n\u001b[31m\u0085\u009b2J\u2028\u2029\u202e\u200b\ufeff\ud800\u007f{"level":"fake"}';
    log.warn(odd, { method: odd });
    log.exchange({ ...ids, id: 'a-1', method: odd, route: odd, status: 200, ms: 1, cause: odd });
    expect(lines).toHaveLength(2);
    for (const line of lines) {
      expect(line.endsWith('\n')).toBe(true);
      expect(line.slice(0, -1).replace(/\u001b\[\d+m/g, (colour) => (pretty ? '' : colour))).not.toMatch(
        /[\p{C}\p{Zl}\p{Zp}]/u,
      );
      if (format === 'json') expect(JSON.parse(line).method).toBe(odd);
    }
  });

  it.each(logFormats)('has live secrets taken out of every text, as %s', (format) => {
    const scrubber = createScrubber();
    scrubber.add('a "secret"');
    const { log, lines } = recordedLog({ level: 'trace', format, scrubber });
    const text = 'with a "secret" and a+%22secret%22';
    for (const level of ['debug', 'info', 'warn', 'error'] as const)
      log[level](text, { text, n: 1, no: undefined });
    log.exchange({ ...ids, id: 'a-1', method: text, status: 200, ms: 1, cause: text });
    expect(lines).toHaveLength(5);
    for (const line of lines) {
      expect(line).not.toContain('secret"');
      expect(line).not.toContain('secret%22');
      expect(line.match(/with \[secret\] and \[secret\]/g)).toHaveLength(2);
    }
  });

  it('is compact on a terminal', () => {
    const { log, lines } = recorded('pretty');
    log.info('started', { url: 'http://127.0.0.1:1' });
    const [line = ''] = lines;
    expect(line.replace(/\u001b\[\d+m/g, '')).toMatch(
      /^\d\d:\d\d:\d\d\.\d{3} info {2}started url=http:\/\/127\.0\.0\.1:1\n$/,
    );
  });
});

describe('the log on a pipe', () => {
  /** Resolves once it has more lines than the pipe takes, and flushes. */
  const flushing = async () => {
    const args = [join(import.meta.dirname, 'log-child.ts')];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    await once(child.stderr, 'data');
    return child;
  };

  it('writes its last lines after those that are under way, and all of them', async () => {
    const { stdout } = await flushing();
    const lines = (await text(stdout)).trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line).n)).toEqual([0, 1, 2, 3]);
  });

  it('keeps no program from ending while nobody reads', async () => {
    const child = await flushing();
    expect((await once(child, 'exit'))[0]).toBe(0);
    child.stdout.destroy();
  });
});
