import type { IncomingMessage } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { type Duplex, duplex } from '../support/duplex.ts';
import type { TokenReply } from '../support/fixture.ts';
import { useSetting } from './setting.ts';

const refused = 'HTTP/1.1 401 Unauthorized\r\nContent-Length: 7\r\n\r\nrefused';

describe('D: a fault at every moment an exchange waits', () => {
  const s = useSetting({ route: ', replay_limit: 1KiB' });
  const held: { request: IncomingMessage; reply: (answer: TokenReply) => void }[] = [];
  let caller: Duplex;
  afterEach(() => {
    caller.socket.destroy();
    for (const { reply } of held.splice(0)) reply({ body: { access_token: 'SENT-T9', expires_in: 3600 } });
  });

  const holdTokens = () => {
    s.tokens.answer = (_count, request) => new Promise((reply) => held.push({ request, reply }));
  };
  const begin = async (line: string, rest = '\r\n') => {
    caller = await duplex(s.proxy.port);
    caller.socket.write(`${line} HTTP/1.1\r\nHost: localhost\r\n${rest}`);
  };
  const atUpstream = () => expect.poll(() => s.up.requests.length).toBeGreaterThan(0);
  const tokenAsked = () => expect.poll(() => held.length).toBe(1);

  /** Brings one exchange to the moment. */
  const moments: Record<string, () => Promise<unknown>> = {
    'its first token is fetched': async () => {
      holdTokens();
      await begin('GET /api/x');
      await tokenAsked();
    },
    'its token is fetched and its body comes': async () => {
      holdTokens();
      await begin('POST /api/x', 'Content-Length: 100\r\n\r\nbegin');
      await tokenAsked();
    },
    'its small body comes': async () => {
      await s.warm();
      await begin('POST /api/x', 'Content-Length: 100\r\n\r\nbegin');
      await expect.poll(() => s.proxy.usage()).toMatchObject({ exchanges: 1 });
    },
    'its large body is sent on': async () => {
      await s.warm();
      await begin('POST /api/x', 'Content-Length: 100000\r\n\r\nbegin');
      await expect.poll(() => s.up.bytes()).toContain('begin');
    },
    'its chunked body is sent on': async () => {
      await s.warm();
      await begin('POST /api/x', 'Transfer-Encoding: chunked\r\n\r\n5\r\nbegin\r\n');
      await expect.poll(() => s.up.bytes()).toContain('begin');
    },
    'the upstream thinks': async () => {
      s.answer = () => undefined;
      await begin('GET /api/x');
      await atUpstream();
    },
    'its refused token is renewed': async () => {
      await s.warm();
      holdTokens();
      s.answer = () => refused;
      await begin('GET /api/x');
      await tokenAsked();
    },
    'its refused token is renewed and the refusal has not ended': async () => {
      await s.warm();
      holdTokens();
      s.answer = () => 'HTTP/1.1 401 Unauthorized\r\nContent-Length: 700\r\n\r\nrefused';
      await begin('GET /api/x');
      await tokenAsked();
    },
    'its refused token is renewed and its chunked body still comes': async () => {
      await s.warm();
      holdTokens();
      await begin('POST /api/x', 'Transfer-Encoding: chunked\r\n\r\n5\r\nbegin\r\n');
      await expect.poll(() => s.up.bytes()).toContain('begin');
      for (const socket of s.up.connections) socket.write(refused);
      await tokenAsked();
    },
    'its answer comes': async () => {
      s.answer = () => 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nbegin';
      await begin('GET /api/x');
      await caller.until(/begin$/);
    },
    'its chunked answer comes': async () => {
      s.answer = () => 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nbegin\r\n';
      await begin('GET /api/x');
      await caller.until(/begin\r\n$/);
    },
  };
  const faults: Record<string, () => unknown> = {
    'the caller resets its connection': () => caller.socket.resetAndDestroy(),
    'the caller ends its connection': () => caller.socket.end(),
    'the upstream resets its connections': () => {
      s.answer = () => 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
      for (const socket of s.up.connections) socket.resetAndDestroy();
    },
    'the upstream ends its connections': () => {
      s.answer = () => 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
      for (const socket of s.up.connections) socket.end();
    },
    'the upstream sends rubbish': () => {
      for (const socket of s.up.connections) socket.write('\0rubbish\r\n\r\n'.repeat(20));
    },
    'the token endpoint resets its connection': () => {
      for (const { request } of held) request.socket.resetAndDestroy();
    },
    'the token endpoint answers 500': () => {
      for (const { reply } of held.splice(0)) reply({ status: 500, body: 'SENT-T' });
    },
  };

  /** Whether there is a connection at that moment for the fault to happen on. */
  const happens = (moment: string, fault: string) => {
    if (fault.startsWith('the token endpoint')) return /token is/.test(moment);
    return !fault.startsWith('the upstream') || !/token is fetched/.test(moment);
  };
  const table = Object.keys(moments).flatMap((moment) =>
    Object.keys(faults).flatMap((fault) => (happens(moment, fault) ? [[moment, fault] as const] : [])),
  );

  /** Whether the fault alone ends the exchange: else a token, or the rest of a body, is still to come. */
  const ends = (moment: string, fault: string) => {
    if (fault.startsWith('the token endpoint')) return !/has not ended/.test(moment);
    if (!fault.startsWith('the upstream')) return true;
    if (/answer comes/.test(moment)) return /chunked/.test(moment) || !/rubbish/.test(fault);
    return /upstream thinks|sent on/.test(moment);
  };

  it.each(table)('D14 while %s, %s: it ends and gives everything back', async (moment, fault) => {
    await moments[moment]?.();
    await faults[fault]?.();
    if (ends(moment, fault))
      await expect.poll(() => s.proxy.usage()).toMatchObject({ exchanges: 0, watched: 0 });
    else await new Promise((resolve) => setTimeout(resolve, 30));
    // Whatever the fault left under way ends with the caller.
    caller.socket.resetAndDestroy();
    for (const { reply } of held.splice(0)) reply({ body: { access_token: 'SENT-T8', expires_in: 3600 } });
    s.answer = () => 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
    expect(caller.received()).not.toMatch(/SENT-/);
    await expect
      .poll(() => s.proxy.usage(), { timeout: 5_000 })
      .toMatchObject({ exchanges: 0, buffered: 0, watched: 0 });
  });
});
