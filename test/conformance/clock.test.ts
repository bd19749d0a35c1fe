import { describe, expect, it } from 'vitest';
import { duplex } from '../support/duplex.ts';
import { values } from '../support/raw.ts';
import { useSetting } from './setting.ts';

const day = 24 * 60 * 60_000;

describe('A: clocks that jump', () => {
  const s = useSetting();

  it.each([
    ['forward by a day', day],
    ['back by a day', -day],
    ['forward by a hundred years', 36_500 * day],
  ])('A19 asks for at most one more token when the wall clock is set %s', async (_what, ms) => {
    expect((await s.send('GET /api/x')).status).toBe(200);
    s.clock.setWall(ms);
    for (let i = 0; i < 20; i++) expect((await s.send('GET /api/x')).status).toBe(200);
    expect(s.tokens.calls).toBeLessThanOrEqual(2);
  });

  it('A19 asks for one more token after a day asleep', async () => {
    expect((await s.send('GET /api/x')).status).toBe(200);
    s.clock.advance(day);
    const responses = await Promise.all(Array.from({ length: 20 }, () => s.send('GET /api/x')));
    expect(new Set(responses.map((r) => r.status))).toEqual(new Set([200]));
    expect(s.tokens.calls).toBe(2);
  });

  it.each([2 ** 31 / 1000 + 1, 1e12])(
    'A19 serves a token of %d seconds and asks for no other',
    async (expires_in) => {
      s.tokens.answer = (count) => ({ body: { access_token: `SENT-T${count}`, expires_in } });
      for (let i = 0; i < 5; i++) expect((await s.send('GET /api/x')).status).toBe(200);
      await new Promise((resolve) => setTimeout(resolve, 300));
      expect(s.tokens.calls).toBe(1);
    },
  );
});

describe('A: a body that takes longer than a token lives', () => {
  const s = useSetting({ server: 'body_timeout: 10d' });

  it('A19 goes with the token of the moment when it has come', async () => {
    const caller = await duplex(s.proxy.port);
    caller.socket.write(
      'POST /api/x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 10\r\n\r\nbegin',
    );
    await expect.poll(() => s.tokens.calls).toBe(1);
    await expect.poll(() => s.proxy.usage()).toMatchObject({ buffered: 5 });
    s.clock.advance(day);
    caller.socket.write('later');
    await caller.until(/^HTTP\/1\.1 200/);
    await caller.closed();
    expect(s.up.requests.map((request) => values(request, 'authorization'))).toEqual([['Bearer SENT-T2']]);
  });
});
