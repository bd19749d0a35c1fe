import { createHash } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Config } from '../../src/config/config.ts';
import type { CredentialConfig } from '../../src/config/schema.ts';
import { createMemoryStore } from '../../src/store/memory.ts';
import type { Session, SessionKey } from '../../src/store/session.ts';
import type { Store } from '../../src/store/store.ts';
import { createTokenHttp, type TokenHttp } from '../../src/token/http.ts';
import { createLoginDesk, type LoginDesk } from '../../src/token/login-desk.ts';
import type { LoggedIn } from '../../src/token/login-session.ts';
import { createParts } from '../../src/token/parts.ts';
import { configOf } from '../support/config.ts';
import { type Issuer, startIssuer } from '../support/issuer.ts';
import { type OffsetClock, offsetClock } from '../support/offset-clock.ts';
import { answer, startTokenEndpoint, type TokenEndpoint } from '../support/token-endpoint.ts';

/* Logins at an authorization server that none of us wrote, which insists on PKCE and names itself in every answer. */

const redirectUri = 'http://127.0.0.1:4711/callback';

describe('a login', () => {
  let issuer: Issuer;
  let token: TokenEndpoint;
  let config: Config;
  let clock: OffsetClock;
  let store: Store;
  let http: TokenHttp;
  let desk: LoginDesk;
  let stored: LoggedIn[];

  beforeAll(async () => {
    issuer = await startIssuer();
    token = await startTokenEndpoint();
    config = configured(issuer.url, token.url);
  });
  afterAll(async () => {
    await issuer.close();
    await token.close();
  });

  beforeEach(() => {
    clock = offsetClock();
    store = createMemoryStore(() => clock.wall());
    http = createTokenHttp();
    stored = [];
    issuer.tokenCalls.length = 0;
    token.calls.length = 0;
    const parts = createParts({ config, clock, store, events: {}, http });
    desk = createLoginDesk({ config, parts, clock, stored: (one) => void stored.push(one) });
  });
  afterEach(() => http.close());

  const person = { credential: 'person', tenant: undefined };

  async function started(key: SessionKey) {
    const { ticket, cookie } = await desk.offer(key, redirectUri);
    return desk.start(ticket, { [cookie.name]: cookie.value });
  }

  async function approved(credential = 'person', tenant?: string) {
    const { url, cookie } = await started({ credential, tenant });
    const location = await issuer.approve(url);
    return {
      url,
      query: location.slice(location.indexOf('?') + 1),
      cookies: { [cookie.name]: cookie.value },
    };
  }

  it('ends with a session in the store', async () => {
    const { url, query, cookies } = await approved();
    const asked = Object.fromEntries(new URL(url).searchParams);
    expect(asked).toEqual({
      response_type: 'code',
      client_id: issuer.clientId,
      redirect_uri: redirectUri,
      scope: 'openid offline_access',
      state: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge_method: 'S256',
      prompt: 'consent',
    });
    const done = await desk.finish(query, { other: 'x', ...cookies });
    expect(done).toEqual({
      ...person,
      lifetimeMs: 600_000,
      lifetimeKnown: true,
      refreshable: true,
      store: 'memory',
    });
    expect(stored).toEqual([done]);
    const [{ params, ok } = { params: {}, ok: false }] = issuer.tokenCalls;
    expect(ok).toBe(true);
    expect(params).toMatchObject({ grant_type: 'authorization_code', redirect_uri: redirectUri });
    expect(params.scope).toBeUndefined();
    const verifier = String(params.code_verifier);
    expect(verifier).toMatch(/^[\w-]{43,128}$/);
    expect(createHash('sha256').update(verifier).digest('base64url')).toBe(asked.code_challenge);
    const session = await store.load(person);
    expect(session).toMatchObject({ refresh_token: expect.any(String), token: { lifetimeMs: 600_000 } });
    expect(session?.login).toBeUndefined();
    expect(session?.raw).toBeUndefined();
  });

  it('makes another state, verifier and cookie each time', async () => {
    const seen = new Set<string>();
    for (let i = 0; i < 50; i++) {
      const { url, cookie } = await started(person);
      const { searchParams } = new URL(url);
      for (const text of [searchParams.get('state'), searchParams.get('code_challenge'), cookie.value])
        seen.add(String(text));
    }
    expect(seen.size).toBe(150);
  });

  it('can be finished once', async () => {
    const { query, cookies } = await approved();
    const both = await Promise.allSettled([desk.finish(query, cookies), desk.finish(query, cookies)]);
    expect(both.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
    await expect(desk.finish(query, cookies)).rejects.toMatchObject({ code: 'login-refused' });
    expect(issuer.tokenCalls).toHaveLength(1);
  });

  it('takes the place of the session before', async () => {
    for (let i = 0; i < 2; i++) {
      const before = await store.load(person);
      const { query, cookies } = await approved();
      await desk.finish(query, cookies);
      expect((await store.load(person))?.head).not.toBe(before?.head);
    }
  });

  it('ends the time of the refresh token that the session before was begun with', async () => {
    await store.compareAndSet(person, undefined, {
      head: 'h',
      refresh_token: 'r',
      seed: 'S1',
      former_seeds: ['S0'],
    });
    const { query, cookies } = await approved();
    await desk.finish(query, cookies);
    expect(await store.load(person)).toMatchObject({ former_seeds: ['S0', 'S1'], token: expect.anything() });
  });

  it('is of the tenant that it was started for', async () => {
    const { query, cookies } = await approved('tenants', 'north');
    expect(await desk.finish(query, cookies)).toMatchObject({ credential: 'tenants', tenant: 'north' });
    expect(await store.list()).toEqual([{ credential: 'tenants', tenant: 'north' }]);
  });

  it.each([
    [{ data: { location: 'north' } }, true],
    [{ data: { location: 'south' } }, false],
    [{ data: { location: 'north ' } }, false],
    [{}, true],
  ])('of tenant north whose answer says %j is stored: %s', async (said, isStored) => {
    token.script = () => ({ json: answer('t', 60, { refresh_token: 'r', ...said }) });
    const { query, cookies } = await approved('located', 'north');
    const finished = desk.finish(query, cookies);
    if (isStored) {
      expect(await finished).toMatchObject({ tenant: 'north' });
      return;
    }
    await expect(finished).rejects.toMatchObject({
      code: 'login-refused',
      message: expect.stringMatching(/not for north: its token was discarded.*may have kept an installation/),
    });
    expect(await store.list()).toEqual([]);
    expect(stored).toEqual([]);
  });

  it('goes on with what the store has when another has gone on with the session meanwhile', async () => {
    // The other is quick: it renews as soon as it finds the answer stored as it came.
    let renewed: Session | undefined;
    const compareAndSet = store.compareAndSet.bind(store);
    store.compareAndSet = async (key, head, session) => {
      const done = await compareAndSet(key, head, session);
      if (session.raw !== undefined && renewed === undefined) {
        renewed = { ...session, raw: undefined, head: 'later', refresh_token: 'r2' };
        await compareAndSet(key, session.head, renewed);
      }
      return done;
    };
    token.script = () => ({ json: answer('t', 60, { refresh_token: 'r1' }) });
    const { query, cookies } = await approved('scripted');
    await desk.finish(query, cookies);
    expect(await store.load({ credential: 'scripted' })).toMatchObject({ refresh_token: 'r2' });
  });

  describe('that is offered', () => {
    it('says where it is, and can be started once, by the browser it was offered to', async () => {
      const { host, ticket, cookie } = await desk.offer(person, redirectUri);
      expect(host).toBe(new URL(issuer.url).host);
      const cookies = { [cookie.name]: cookie.value };
      await expect(desk.start(ticket, {})).rejects.toMatchObject({ code: 'login-refused' });
      await expect(desk.start('x', cookies)).rejects.toMatchObject({ code: 'login-refused' });
      await expect(desk.start(undefined, cookies)).rejects.toMatchObject({ code: 'login-refused' });
      expect(await desk.start(ticket, cookies)).toMatchObject({ redirectUri });
      await expect(desk.start(ticket, cookies)).rejects.toMatchObject({ code: 'login-refused' });
    });

    it('can be started for ten minutes', async () => {
      const { ticket, cookie } = await desk.offer(person, redirectUri);
      clock.advance(600_000);
      await expect(desk.start(ticket, { [cookie.name]: cookie.value })).rejects.toMatchObject({
        message: expect.stringContaining('too long'),
      });
    });
  });

  it('that is being finished is waited for by a desk that closes, which takes no other', async () => {
    const gate = Promise.withResolvers<void>();
    token.script = async () => {
      await gate.promise;
      return { json: answer('t', 60) };
    };
    const [one, other] = [await approved('scripted'), await approved('scripted')];
    const offer = await desk.offer(person, redirectUri);
    const finished = desk.finish(one.query, one.cookies);
    await expect.poll(() => token.calls.length).toBe(1);
    const order: string[] = [];
    const closed = desk.close().then(() => order.push('closed'));
    const refused = { code: 'shutting-down' };
    await expect(desk.finish(other.query, other.cookies)).rejects.toMatchObject(refused);
    await expect(desk.offer(person, redirectUri)).rejects.toMatchObject(refused);
    const cookies = { [offer.cookie.name]: offer.cookie.value };
    await expect(desk.start(offer.ticket, cookies)).rejects.toMatchObject(refused);
    order.push('released');
    gate.resolve();
    expect(await finished).toMatchObject({ credential: 'scripted' });
    await closed;
    expect(order).toEqual(['released', 'closed']);
  });

  it.each([
    ['no cookie', () => ({})],
    ['another value', (name: string) => ({ [name]: 'x'.repeat(43) })],
    ['an empty one', (name: string) => ({ [name]: '' })],
  ])('is not finished by a browser with %s, and still is by its own', async (_, cookiesOf) => {
    const { query, cookies } = await approved();
    const [name = ''] = Object.keys(cookies);
    await expect(desk.finish(query, cookiesOf(name))).rejects.toMatchObject({
      code: 'login-refused',
      message: expect.stringContaining('another browser'),
    });
    expect(issuer.tokenCalls).toEqual([]);
    expect(await desk.finish(query, cookies)).toMatchObject(person);
  });

  it("is not finished with the cookie of another person's login", async () => {
    const mine = await approved();
    const theirs = await approved();
    await expect(desk.finish(theirs.query, mine.cookies)).rejects.toMatchObject({ code: 'login-refused' });
    expect(issuer.tokenCalls).toEqual([]);
  });

  it('is over after ten minutes', async () => {
    const { query, cookies } = await approved();
    clock.advance(600_000);
    await expect(desk.finish(query, cookies)).rejects.toMatchObject({
      code: 'login-refused',
      message: expect.stringContaining('too long'),
    });
    expect(issuer.tokenCalls).toEqual([]);
  });

  it('is refused when the answer comes from another issuer', async () => {
    const { query, cookies } = await approved();
    const wrong = query.replace(/iss=[^&]*/, 'iss=https%3A%2F%2Fevil.example');
    await expect(desk.finish(wrong, cookies)).rejects.toMatchObject({
      message: expect.stringContaining('another issuer'),
    });
    await expect(desk.finish(query, cookies)).rejects.toMatchObject({ code: 'login-refused' });
    expect(issuer.tokenCalls).toEqual([]);
  });

  it('fails when the code was spent elsewhere, and leaves the session as it was', async () => {
    const first = await approved();
    await desk.finish(first.query, first.cookies);
    const before = await store.load(person);
    const spentCode = new URLSearchParams(first.query).get('code') ?? '';
    const next = await approved();
    const replay = next.query.replace(/code=[^&]*/, `code=${spentCode}`);
    const failure = desk.finish(replay, next.cookies);
    await expect(failure).rejects.toMatchObject({
      code: 'login-failed',
      message: expect.stringContaining('invalid_grant'),
    });
    await expect(failure).rejects.not.toMatchObject({ message: expect.stringContaining(spentCode) });
    expect(issuer.tokenCalls.map(({ ok }) => ok)).toEqual([true, false]);
    expect(await store.load(person)).toEqual(before);
  });

  it('sends the code once, even when the answer is lost', async () => {
    token.script = () => ({ cut: true });
    const { query, cookies } = await approved('scripted');
    await expect(desk.finish(query, cookies)).rejects.toMatchObject({
      code: 'login-failed',
      message: expect.stringContaining('log in again'),
    });
    await expect(desk.finish(query, cookies)).rejects.toMatchObject({ code: 'login-refused' });
    expect(token.calls).toHaveLength(1);
  });

  it('without a refresh token gives a session that ends with its access token', async () => {
    token.script = () => ({ json: answer('t', 60) });
    const { query, cookies } = await approved('scripted');
    const done = await desk.finish(query, cookies);
    expect(done).toMatchObject({ lifetimeMs: 60_000, refreshable: false });
    expect(await store.load({ credential: 'scripted' })).toMatchObject({
      refresh_token: '',
      token: { value: 't' },
    });
  });

  it.each([
    ['no token', { json: { token_type: 'Bearer' } }, 'login-failed'],
    ['an error', { json: { error: 'invalid_client' } }, 'login-failed'],
    ['a refusal of the client', { status: 401, json: { error: 'invalid_client' } }, 'login-failed'],
    ['a page', { raw: '<html>', headers: { 'content-type': 'text/html' } }, 'login-failed'],
  ])('fails when the token endpoint answers with %s', async (_, reply, code) => {
    token.script = () => reply;
    const { query, cookies } = await approved('scripted');
    await expect(desk.finish(query, cookies)).rejects.toMatchObject({ code });
    expect(stored).toEqual([]);
    expect(await store.list()).toEqual([]);
    expect(token.calls).toHaveLength(1);
  });

  it('of a credential that the configuration no longer has cannot be started', async () => {
    const now = { ...config, credentials: { ...config.credentials } };
    const parts = createParts({ config: now, clock, store, events: {}, http });
    desk = createLoginDesk({ config: now, parts, clock });
    const { ticket, cookie } = await desk.offer(person, redirectUri);
    delete now.credentials.person;
    await expect(desk.start(ticket, { [cookie.name]: cookie.value })).rejects.toMatchObject({
      code: 'login-refused',
    });
  });

  it('that starts while its credential changes brings no code of the old provider to the new one', async () => {
    const now = { ...config, credentials: { ...config.credentials } };
    const parts = createParts({ config: now, clock, store, events: {}, http });
    desk = createLoginDesk({ config: now, parts, clock });
    const { ticket, cookie } = await desk.offer(person, redirectUri);
    const starting = desk.start(ticket, { [cookie.name]: cookie.value });
    now.credentials.person = { ...config.credentials.person } as CredentialConfig;
    const { url, cookie: own } = await starting;
    const location = await issuer.approve(url);
    const query = location.slice(location.indexOf('?') + 1);
    await expect(desk.finish(query, { [own.name]: own.value })).rejects.toMatchObject({
      code: 'login-refused',
    });
    expect(issuer.tokenCalls).toEqual([]);
  });

  it('that nobody finishes makes room: of more than a hundred the oldest are dropped', async () => {
    const first = await approved();
    const second = await approved();
    for (let i = 0; i < 99; i++) await started(person);
    await expect(desk.finish(first.query, first.cookies)).rejects.toMatchObject({
      message: expect.stringContaining('not known here'),
    });
    expect(await desk.finish(second.query, second.cookies)).toMatchObject(person);
  });

  it.each([
    ['nobody', undefined, 'there is no credential "nobody"'],
    ['toString', undefined, 'there is no credential "toString"'],
    ['machine', undefined, 'gets its tokens without a login'],
    ['person', 'north', 'has no tenants'],
    ['tenants', undefined, 'a session for each tenant'],
    ['tenants', 'a b', '1 to 256 visible ASCII'],
    ['seed', undefined, 'does not say where'],
  ])('of %s, tenant %s, cannot be started: %s', async (credential, tenant, why) => {
    const key = { credential, tenant };
    const fault = { code: 'login-refused', message: expect.stringContaining(why) };
    expect(() => desk.redirectUri(key)).toThrow(expect.objectContaining(fault));
    await expect(desk.offer(key, redirectUri)).rejects.toMatchObject(fault);
  });
});

function configured(url: string, tokenUrl: string): Config {
  const yaml = `
providers:
  issuer:
    token: { url: "${url}/token", client_auth: none }
    authorize: { url: "${url}/auth", issuer: "${url}", params: { prompt: consent } }
  scripted: { extends: issuer, token: { url: "${tokenUrl}" } }
  located: { extends: scripted, response: { tenant: data.location } }
  seeded: { token: { url: "${url}/token", client_auth: none } }
credentials:
  person: { provider: issuer, grant_type: authorization_code, client_id: desk, scope: openid offline_access }
  tenants: { provider: issuer, grant_type: authorization_code, client_id: desk, scope: openid offline_access, tenant: { header: X-Tenant } }
  scripted: { provider: scripted, grant_type: authorization_code, client_id: desk, scope: openid offline_access }
  located: { provider: located, grant_type: authorization_code, client_id: desk, scope: openid, tenant: { header: X-Tenant } }
  machine: { provider: issuer, client_id: machine }
  seed: { provider: seeded, grant_type: refresh_token, client_id: desk, refresh_token: seed }
routes:
  /person: { upstream: "${url}", credential: person }
`;
  return configOf(yaml);
}
