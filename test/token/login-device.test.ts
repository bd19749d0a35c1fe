import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createMemoryStore } from '../../src/store/memory.ts';
import type { Store } from '../../src/store/store.ts';
import { type Clock, systemClock } from '../../src/token/clock.ts';
import { finishDeviceLogin, startDeviceLogin } from '../../src/token/device-login.ts';
import { createTokenHttp, type TokenHttp } from '../../src/token/http.ts';
import { loginTarget } from '../../src/token/login-session.ts';
import { createParts } from '../../src/token/parts.ts';
import { configOf } from '../support/config.ts';
import { type DeviceOptions, type DeviceServer, startDeviceServer } from '../support/device-server.ts';
import {
  answer,
  type Script,
  startTokenEndpoint,
  type TokenEndpoint,
  type TokenReply,
} from '../support/token-endpoint.ts';

/** A clock that jumps over every wait, and remembers it. */
class JumpingClock implements Clock {
  readonly waits: number[] = [];
  random = Math.random;
  #jumped = 0;

  mono(): number {
    return systemClock.mono() + this.#jumped;
  }

  wall(): number {
    return systemClock.wall() + this.#jumped;
  }

  after(ms: number, fn: () => void): () => void {
    this.waits.push(Math.round(ms / 100) / 10);
    // A little more than asked for, as timers do.
    this.#jumped += ms + 1;
    const timer = setImmediate(fn);
    return () => clearImmediate(timer);
  }
}

const key = { credential: 'device', tenant: undefined };

describe('a login on another device (RFC 8628)', () => {
  let clock: JumpingClock;
  let store: Store;
  let http: TokenHttp;
  let ending: AbortController;

  beforeEach(() => {
    clock = new JumpingClock();
    store = createMemoryStore(() => clock.wall());
    http = createTokenHttp();
    ending = new AbortController();
  });
  afterEach(() => http.close());

  function targetAt(deviceUrl: string, tokenUrl: string) {
    const yaml = `
providers:
  device:
    token: { url: "${tokenUrl}", client_auth: none }
    device_authorization: { url: "${deviceUrl}" }
credentials:
  device:
    provider: device
    grant_type: urn:ietf:params:oauth:grant-type:device_code
    client_id: device-client
    scope: read write
    resource: https://api.example/
routes:
  /device: { upstream: "http://127.0.0.1:9", credential: device }
`;
    const config = configOf(yaml);
    return loginTarget(createParts({ config, clock, store, events: {}, http }), clock, key);
  }

  describe('at a server', () => {
    let server: DeviceServer;
    afterEach(() => server.close());

    async function started(options: DeviceOptions = {}) {
      server = await startDeviceServer({ now: () => clock.wall(), ...options });
      const target = targetAt(server.deviceUrl, server.tokenUrl);
      return { target, codes: await startDeviceLogin(target, ending.signal) };
    }

    it('shows where to log in and with which code, and stores the session', async () => {
      const { target, codes } = await started();
      expect(codes).toMatchObject({
        userCode: server.waiting[0],
        verificationUri: `${server.url}/device`,
        verificationUriComplete: `${server.url}/device?user_code=${server.waiting[0]}`,
        lifetimeMs: 600_000,
        intervalMs: 5_000,
      });
      server.decide(codes.userCode, true);
      expect(await finishDeviceLogin(target, codes, ending.signal)).toEqual({
        ...key,
        lifetimeMs: 3_600_000,
        lifetimeKnown: true,
        refreshable: true,
        store: 'memory',
      });
      expect(await store.load(key)).toMatchObject({
        refresh_token: expect.any(String),
        token: expect.anything(),
      });
      const asked = server.seen.map(({ path, body }) => [
        path,
        Object.fromEntries(new URLSearchParams(body)),
      ]);
      const resource = 'https://api.example/';
      expect(asked).toEqual([
        ['/device_authorization', { client_id: 'device-client', scope: 'read write', resource }],
        [
          '/token',
          {
            grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
            device_code: codes.deviceCode,
            client_id: 'device-client',
            resource,
          },
        ],
      ]);
    });

    it('polls at the interval that the server wants while nobody has decided', async () => {
      const { target, codes } = await started({ interval: 7, codeLifetime: 36_000 });
      const done = finishDeviceLogin(target, codes, ending.signal);
      while (server.polls < 4) await new Promise((resolve) => setTimeout(resolve, 1));
      server.decide(codes.userCode, true);
      await done;
      expect(new Set(clock.waits)).toEqual(new Set([7]));
      expect(server.slowDowns).toBe(0);
    });

    it('is refused when the person declines', async () => {
      const { target, codes } = await started();
      server.decide(codes.userCode, false);
      await expect(finishDeviceLogin(target, codes, ending.signal)).rejects.toMatchObject({
        code: 'login-refused',
        message: 'access was not granted',
      });
      expect(await store.list()).toEqual([]);
    });

    it('is over when the codes expire', async () => {
      const { target, codes } = await started({ codeLifetime: 20 });
      await expect(finishDeviceLogin(target, codes, ending.signal)).rejects.toMatchObject({
        code: 'login-refused',
        message: expect.stringContaining('expired'),
      });
      expect(server.polls).toBe(3);
      const late = { ...codes, lifetimeMs: 600_000, t0Mono: clock.mono(), t0Wall: clock.wall() };
      await expect(finishDeviceLogin(target, late, ending.signal)).rejects.toMatchObject({
        message: expect.stringContaining('expired'),
      });
      expect(server.polls).toBe(4);
    });

    it('ends when told to', async () => {
      const { target, codes } = await started();
      ending.abort();
      await expect(finishDeviceLogin(target, codes, ending.signal)).rejects.toMatchObject({
        code: 'login-refused',
      });
      expect(server.polls).toBe(0);
    });

    it('does without a server that does not know the client', async () => {
      const { target } = await started();
      const stranger = loginTarget(
        createParts({
          config: {
            credentials: { device: { ...target.config, client_id: 'stranger' } },
            providers: { device: target.provider },
          },
          clock,
          store,
          events: {},
          http,
        }),
        clock,
        key,
      );
      await expect(startDeviceLogin(stranger, ending.signal)).rejects.toMatchObject({
        code: 'login-failed',
        message: expect.stringContaining('401 (invalid_client)'),
      });
    });
  });

  describe('at an endpoint with a script', () => {
    let endpoint: TokenEndpoint;
    afterEach(() => endpoint.close());

    const codes = {
      device_code: 'D',
      user_code: 'ABCD-EFGH',
      verification_uri: 'https://id.example/device',
      expires_in: 600,
    };

    async function scripted(script: Script) {
      endpoint = await startTokenEndpoint(script);
      return targetAt(endpoint.url, endpoint.url);
    }

    const polled = (...replies: Awaited<ReturnType<Script>>[]): Script => {
      return (count) => (count === 1 ? { json: codes } : (replies[count - 2] ?? { status: 500, json: {} }));
    };

    const granted = { json: answer('t', 60, { refresh_token: 'r' }) };
    const pending = { status: 400, json: { error: 'authorization_pending' } };

    async function login(script: Script) {
      const target = await scripted(script);
      return finishDeviceLogin(target, await startDeviceLogin(target, ending.signal), ending.signal);
    }

    it('waits 5 seconds between polls unless told otherwise', async () => {
      await login(polled(pending, granted));
      expect(clock.waits).toEqual([5, 5]);
    });

    it('goes slower for good when told to', async () => {
      const slowDown = { status: 400, json: { error: 'slow_down' } };
      await login(polled(pending, slowDown, slowDown, pending, pending, granted));
      expect(clock.waits).toEqual([5, 5, 10, 15, 15, 15]);
    });

    it.each([
      [0.001, 1],
      ['0', 5],
      [60, 60],
      [86_400, 60],
    ])(
      'polls every second at most and every minute at least: an interval of %s s is %s s',
      async (interval, waits) => {
        const script = polled(pending, granted);
        await login((count, call) => {
          const reply = script(count, call) as TokenReply;
          return count === 1 ? { json: { ...codes, interval } } : reply;
        });
        expect(clock.waits).toEqual([waits, waits]);
      },
    );

    it('doubles the wait while polls go unanswered or the server fails, and goes back when it answers', async () => {
      const script = polled({ cut: true }, { status: 503, json: {} }, { cut: true }, pending, granted);
      expect(await login(script)).toMatchObject({ refreshable: true });
      expect(clock.waits).toEqual([5, 10, 20, 40, 5]);
    });

    it('waits as long as a server asks that is asked too often', async () => {
      await login(polled({ status: 429, headers: { 'retry-after': '33' }, json: {} }, granted));
      expect(clock.waits).toEqual([5, 33]);
    });

    it('reads errors in answers that say 200', async () => {
      const told = (error: string) => ({ json: { error } });
      await login(polled(told('authorization_pending'), told('slow_down'), granted));
      expect(clock.waits).toEqual([5, 5, 10]);
    });

    it('fails for good for any other error', async () => {
      await expect(login(polled({ status: 400, json: { error: 'invalid_grant' } }))).rejects.toMatchObject({
        code: 'login-failed',
        message: expect.stringContaining('invalid_grant'),
      });
      expect(endpoint.calls).toHaveLength(2);
    });

    it.each([
      ['no device code', { ...codes, device_code: undefined }],
      ['no user code', { ...codes, user_code: '\u001b\u0000' }],
      ['no address', { ...codes, verification_uri: undefined }],
      ['an address that is none', { ...codes, verification_uri: 'javascript:alert(1)' }],
    ])('is not started by an answer with %s', async (_, json) => {
      const target = await scripted(() => ({ json }));
      await expect(startDeviceLogin(target, ending.signal)).rejects.toMatchObject({
        code: 'login-failed',
        message: expect.stringContaining('not understood'),
      });
    });

    it('shows a code from outside cleaned, and takes the older name of the address', async () => {
      const { verification_uri, ...rest } = codes;
      const json = {
        ...rest,
        verification_url: verification_uri,
        user_code: 'AB\u001b[2J\nCD',
        interval: '3',
      };
      const target = await scripted(() => ({ json }));
      expect(await startDeviceLogin(target, ending.signal)).toMatchObject({
        userCode: 'AB [2J CD',
        verificationUri: 'https://id.example/device',
        verificationUriComplete: undefined,
        intervalMs: 3_000,
      });
    });
  });
});
