import { DefaultHttpClient, type HttpRequest, type HubConnection, NullLogger } from '@microsoft/signalr';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type RevolutionVendor, startRevolution } from '../../src/demo/revolution.ts';
import { type Fixture, startCupbearer } from '../support/fixture.ts';
import { goodHubWork, type HubWay, hubConnection, hubWays, workWithHub } from '../support/hub.ts';
import { type OffsetClock, offsetClock } from '../support/offset-clock.ts';

describe('the SignalR client through the proxy, with no token of its own,', () => {
  let clock: OffsetClock;
  let vendor: RevolutionVendor;
  let proxy: Fixture;
  const connections: HubConnection[] = [];

  beforeEach(async () => {
    clock = offsetClock();
    vendor = await startRevolution({ now: () => clock.wall() });
    proxy = await startCupbearer(
      `
server: { listen: "127.0.0.1:0", admin: "off" }
credentials:
  c:
    provider: revolution
    base_url: "\${REVOLUTION_URL}"
    client_id: "\${REVOLUTION_CLIENT_ID}"
    client_secret: "\${REVOLUTION_CLIENT_SECRET}"
routes:
  /revolution: { credential: c, upgrade: true }
  /plain: { credential: c }
`,
      { env: vendor.env, clock },
    );
  });
  afterEach(async () => {
    await Promise.all(connections.splice(0).map((connection) => connection.stop()));
    await expect
      .poll(() => proxy.usage(), { message: 'everything is given back' })
      .toMatchObject({ exchanges: 0, tunnels: 0, watched: 0, buffered: 0 });
    await proxy.stop();
    await vendor.close();
  });

  const connectionTo = (way: HubWay | undefined, prefix = '/revolution', onNegotiated = () => {}) => {
    const url = `${proxy.url}${prefix}/hubs/devices`;
    const connection = hubConnection(url, way, { httpClient: new NoticingClient(onNegotiated) });
    connections.push(connection);
    return connection;
  };
  const connect = async (...args: Parameters<typeof connectionTo>) => {
    const connection = connectionTo(...args);
    await connection.start();
    return connection;
  };
  /** A token is held that the vendor has revoked, old enough to be taken for that. */
  const revokeHeld = () => {
    clock.advance(5_000);
    vendor.revokeAll();
  };
  const atHub = () => vendor.seen.filter(({ path }) => path.startsWith('/v1/hubs/'));

  it.each(hubWays)('works by %s', async (way) => {
    const connection = await connect(way);
    expect(await workWithHub(connection)).toEqual(goodHubWork(expect.anything()));
    await connection.stop();
    expect(vendor).toMatchObject({ refusals: 0, tokenCalls: 1 });
    expect(atHub().some(({ status }) => status === 101)).toBe(way.startsWith('WebSockets'));
    for (const { headers, path } of atHub()) {
      const names = headers.filter((_, i) => i % 2 === 0).map((name) => name.toLowerCase());
      expect(names.filter((name) => name === 'authorization')).toHaveLength(1);
      expect(headers[names.indexOf('authorization') * 2 + 1]).toMatch(/^Bearer rev_[\w-]{43}$/);
      expect(path).not.toContain('access_token');
    }
  });

  it.each(hubWays)('is let in by %s when the first request is refused with 401', async (way) => {
    await (await connect('LongPolling')).stop();
    revokeHeld();
    expect(await workWithHub(await connect(way))).toEqual(goodHubWork(expect.anything()));
    expect(vendor).toMatchObject({ refusals: 1, tokenCalls: 2 });
  });

  it.each(['WebSockets', 'ServerSentEvents', 'LongPolling'] as const)(
    'is let in by %s when the token is refused after the negotiation',
    async (way) => {
      const connection = await connect(way, '/revolution', revokeHeld);
      expect(vendor).toMatchObject({ refusals: 1, tokenCalls: 2 });
      expect(await workWithHub(connection)).toEqual(goodHubWork(expect.anything()));
    },
  );

  it.each([
    ['WebSockets', 1],
    ['ServerSentEvents', 2],
    ['LongPolling', 2],
  ] as const)(
    'keeps its connection by %s when the token expires: %i token calls',
    async (way, tokenCalls) => {
      vendor.setLifetime(60);
      const connection = await connect(way);
      clock.advance(61_000);
      expect(await workWithHub(connection)).toEqual(goodHubWork(expect.anything()));
      expect(vendor).toMatchObject({ refusals: 0, tokenCalls });
    },
  );

  it.each(['ServerSentEvents', 'LongPolling'] as const)(
    'keeps its connection by %s when the token is revoked in between',
    async (way) => {
      const connection = await connect(way);
      revokeHeld();
      expect(await workWithHub(connection)).toEqual(goodHubWork(expect.anything()));
      expect(vendor.tokenCalls).toBe(2);
    },
  );

  it.each(hubWays)('is told by %s when the vendor lets nobody in', async (way) => {
    vendor.refuseAll(true);
    await expect(connectionTo(way).start()).rejects.toThrow();
    expect(new Set(atHub().map(({ status }) => status))).toEqual(new Set([401]));
  });

  it('goes by server-sent events where the route has no upgrade', async () => {
    const connection = await connect(undefined, '/plain');
    expect(await workWithHub(connection)).toEqual(goodHubWork(expect.anything()));
    expect(atHub().some(({ status }) => status === 101)).toBe(false);
    const stream = atHub().find(
      ({ method, headers }) => method === 'GET' && headers.includes('text/event-stream'),
    );
    expect(stream?.status).toBe(200);
  });

  it('hears events by all transports at once, each from its own connection', async () => {
    const heard: string[] = [];
    const all = await Promise.all(
      hubWays.map(async (way) => {
        const connection = await connect(way);
        connection.on('CommandQueued', ({ command }) => heard.push(`${way} ${command}`));
        await connection.invoke('Subscribe', 'dev_3');
        return connection;
      }),
    );
    const commands = ['a', 'b', 'c', 'd'];
    for (const [i, command] of commands.entries()) await all[i]?.invoke('SendCommand', 'dev_3', command);
    const expected = hubWays.flatMap((way) => commands.map((command) => `${way} ${command}`));
    await expect.poll(() => [...heard].sort()).toEqual(expected.sort());
    expect(vendor.tokenCalls).toBe(1);
  });
});

/** The client's own HTTP client, which says when a negotiation is done. */
class NoticingClient extends DefaultHttpClient {
  readonly #onNegotiated: () => void;

  constructor(onNegotiated: () => void) {
    super(NullLogger.instance);
    this.#onNegotiated = onNegotiated;
  }

  override async send(request: HttpRequest) {
    const response = await super.send(request);
    if (request.url?.includes('/negotiate?')) this.#onNegotiated();
    return response;
  }
}
