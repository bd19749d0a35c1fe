import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createAdmin } from '../../src/admin/admin.ts';
import { createAdminDesk } from '../../src/cli/admin-desk.ts';
import { type Listener, listen } from '../../src/cli/listener.ts';
import { createMemoryStore } from '../../src/store/memory.ts';
import type { Store } from '../../src/store/store.ts';
import { createLog } from '../../src/telemetry/log.ts';
import { systemClock } from '../../src/token/clock.ts';
import { createTokenHttp } from '../../src/token/http.ts';
import { createRegistry, type Registry } from '../../src/token/registry.ts';
import { configOf } from '../support/config.ts';
import { type TokenServer, tokenServer } from '../support/fixture.ts';
import { type RevocationEndpoint, startRevocationEndpoint } from '../support/revocation-endpoint.ts';

const own = { 'x-cupbearer': '1' };

describe('the control of a running Cupbearer', () => {
  let tokens: TokenServer;
  let revocation: RevocationEndpoint;
  let registry: Registry;
  let store: Store;
  let listener: Listener;

  beforeEach(async () => {
    tokens = await tokenServer('secret-token-');
    revocation = await startRevocationEndpoint();
    const config = configOf(
      `
providers:
  bare: { token: { url: "${tokens.url}" } }
  full: { extends: bare, revoke: { url: "${revocation.url}" } }
credentials:
  machine: { provider: full, client_id: id, client_secret: secret-of-machine }
  bare: { provider: bare, client_id: id, client_secret: secret-of-bare }
  session: { provider: full, grant_type: refresh_token, client_id: id, client_secret: s, refresh_token: secret-seed }
  tenants: { provider: full, client_id: id, client_secret: s, params: { tenant: "{tenant}" }, tenant: { header: X-Tenant } }
routes:
  /machine: { upstream: "https://api.example", credential: machine }
`,
    );
    const clock = systemClock;
    const http = createTokenHttp();
    store = createMemoryStore(() => clock.wall());
    registry = createRegistry({ config, clock, store, http });
    const log = createLog({ level: 'silent' });
    const guarded = createAdminDesk({ config, registry, store, clock, log });
    listener = await listen(
      { kind: 'tcp', host: '127.0.0.1', port: 0 },
      createAdmin({ waitingFor: () => [], draining: () => false, guarded }),
    );
  });
  afterEach(async () => {
    await listener.close(0);
    await registry.close();
    await tokens.close();
    await revocation.close();
  });

  async function ask(method: string, path: string, headers: Record<string, string> = own) {
    const response = await fetch(listener.url + path, { method, headers });
    const text = await response.text();
    return { status: response.status, headers: response.headers, text, json: JSON.parse(text) };
  }

  describe('GET /api/status', () => {
    it('tells the state of every credential and tenant, and nothing secret', async () => {
      await registry.get('machine').acquire();
      await registry.get('tenants', 'acme').acquire();
      const { status, headers, text, json } = await ask('GET', '/api/status');
      expect(status).toBe(200);
      expect(headers.get('cache-control')).toBe('no-store');
      expect(json).toMatchObject({ running: true, store: { kind: 'memory', reachable: true } });
      expect(json.version).toMatch(/^\d+\.\d+\.\d+/);
      expect(json.uptime_s).toBeGreaterThanOrEqual(0);
      const state = Object.fromEntries(
        json.credentials.map((one: Record<string, string>) => [one.tenant ?? one.credential, one.state]),
      );
      expect(state).toEqual({ machine: 'FRESH', bare: 'NONE', session: 'NONE', acme: 'FRESH' });
      expect(text).not.toContain('secret');
    });

    it('tells of a session that the store has before anybody asked for its token', async () => {
      const before = await ask('GET', '/api/status');
      expect(stateOf(before.json, 'session')).toEqual(['NONE', 'configured']);
      tokens.answer = () => ({
        body: { access_token: 'secret-a', expires_in: 60, refresh_token: 'secret-r' },
      });
      await registry.get('session').acquire();
      const after = await ask('GET', '/api/status');
      expect(stateOf(after.json, 'session')).toEqual(['FRESH', 'stored']);
      expect(after.text).not.toContain('secret');
    });
  });

  describe('POST /api/renew', () => {
    it('renews the token of a credential, or of one tenant alone', async () => {
      const acme = await registry.get('tenants', 'acme').acquire();
      const other = await registry.get('tenants', 'other').acquire();
      expect((await ask('POST', '/api/renew/tenants?tenant=acme')).json).toEqual({ status: 'ok' });
      const renewed = await registry.get('tenants', 'acme').acquire();
      expect(renewed.gen).toBe(acme.gen + 1);
      expect((await registry.get('tenants', 'other').acquire()).reveal()).toBe(other.reveal());
    });

    it('says why it failed, and the token stays', async () => {
      const before = await registry.get('machine').acquire();
      tokens.answer = () => ({ status: 401, body: { error: 'invalid_client' } });
      const { status, json, text } = await ask('POST', '/api/renew/machine');
      expect([status, json.type]).toEqual([502, 'urn:cupbearer:problem:token-refused']);
      expect(text).not.toContain('secret-');
      expect((await registry.get('machine').acquire()).reveal()).toBe(before.reveal());
    });

    it.each([
      ['/api/renew/nobody', 404, 'route-not-found'],
      ['/api/renew/tenants', 400, 'tenant-required'],
      ['/api/renew/machine?tenant=a', 400, 'malformed-request'],
    ])('%s is answered with %i', async (path, status, code) => {
      const answer = await ask('POST', path);
      expect([answer.status, answer.json.type]).toEqual([status, `urn:cupbearer:problem:${code}`]);
      expect(tokens.calls).toBe(0);
    });
  });

  describe('POST /api/revoke', () => {
    it('revokes the token of a credential; the next request fetches another', async () => {
      const first = await registry.get('machine').acquire();
      const { status, json } = await ask('POST', '/api/revoke/machine');
      expect([status, json]).toEqual([
        200,
        { credential: 'machine', revoked: 1, session_deleted: false, supported: true },
      ]);
      expect(revocation.asked).toEqual([[first.reveal(), 'access_token']]);
      expect((await registry.get('machine').acquire()).reveal()).not.toBe(first.reveal());
    });

    it('revokes the token of one tenant alone', async () => {
      const acme = await registry.get('tenants', 'acme').acquire();
      const other = await registry.get('tenants', 'other').acquire();
      expect((await ask('POST', '/api/revoke/tenants?tenant=acme')).json).toMatchObject({
        tenant: 'acme',
        revoked: 1,
      });
      expect(revocation.asked.map(([token]) => token)).toEqual([acme.reveal()]);
      expect((await registry.get('tenants', 'other').acquire()).reveal()).toBe(other.reveal());
    });

    it('revokes both tokens of a session and deletes it', async () => {
      tokens.answer = () => ({
        body: { access_token: 'secret-a', expires_in: 60, refresh_token: 'secret-r' },
      });
      await registry.get('session').acquire();
      const { json, text } = await ask('POST', '/api/revoke/session');
      expect(json).toMatchObject({ revoked: 2, session_deleted: true });
      expect(text).not.toContain('secret');
      // What stays says that the configured refresh token may not begin it again.
      const left = await store.load({ credential: 'session' });
      expect(left).toMatchObject({ refresh_token: '', spent: 'revoked' });
      expect(left).not.toHaveProperty('token');
      expect([...revocation.asked].sort()).toEqual([
        ['secret-a', 'access_token'],
        ['secret-r', 'refresh_token'],
      ]);
    });

    it('tells what the provider did not revoke, and which provider cannot', async () => {
      revocation.status = 503;
      await registry.get('machine').acquire();
      const refused = await ask('POST', '/api/revoke/machine');
      expect(refused.status).toBe(200);
      expect(refused.json).toMatchObject({ revoked: 0, supported: true, error: { status: 503 } });
      expect(refused.text).not.toContain('secret');
      await registry.get('bare').acquire();
      expect((await ask('POST', '/api/revoke/bare')).json).toEqual({
        credential: 'bare',
        revoked: 0,
        session_deleted: false,
        supported: false,
      });
    });

    it.each([
      ['/api/revoke/nobody', 404, 'route-not-found'],
      ['/api/revoke/constructor', 404, 'route-not-found'],
      ['/api/revoke/tenants', 400, 'tenant-required'],
      ['/api/revoke/tenants?tenant=a%20b', 400, 'malformed-request'],
      ['/api/revoke/machine?tenant=a', 400, 'malformed-request'],
    ])('%s is answered with %i', async (path, status, code) => {
      const answer = await ask('POST', path);
      expect([answer.status, answer.json.type]).toEqual([status, `urn:cupbearer:problem:${code}`]);
      expect(revocation.asked).toEqual([]);
    });
  });

  it.each([
    ['GET', '/api/status', {}],
    ['GET', '/api/status', { ...own, origin: 'http://localhost' }],
    ['POST', '/api/revoke/machine', {}],
    ['POST', '/api/renew/machine', {}],
    ['POST', '/api/revoke/machine', { ...own, 'sec-fetch-site': 'same-origin' }],
    ['POST', '/api/revoke/machine', { ...own, origin: 'http://evil.example' }],
  ])('refuses what a web page could send: %s %s %j', async (method, path, headers) => {
    await registry.get('machine').acquire();
    const answer = await ask(method, path, headers as Record<string, string>);
    expect([answer.status, answer.json.type]).toEqual([403, 'urn:cupbearer:problem:browser-refused']);
    expect([revocation.asked, tokens.calls]).toEqual([[], 1]);
  });

  it('does not revoke by GET', async () => {
    await registry.get('machine').acquire();
    expect((await ask('GET', '/api/revoke/machine')).status).toBe(404);
    expect(revocation.asked).toEqual([]);
  });
});

interface Shown {
  readonly credential: string;
  readonly state: string;
  readonly session?: { readonly refresh_token: string };
}

function stateOf(report: { credentials: Shown[] }, credential: string): unknown[] {
  const one = report.credentials.find((each) => each.credential === credential);
  return [one?.state, one?.session?.refresh_token];
}
