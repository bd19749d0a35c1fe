import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose';
import { describe, expect, it } from 'vitest';
import type { CredentialConfig } from '../../src/config/schema.ts';
import { Secret } from '../../src/config/secret.ts';
import type { ClientAuth } from '../../src/provider/provider.ts';
import { createSigner } from '../../src/token/assertion.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { answer, type Script, type TokenCall } from '../support/token-endpoint.ts';
import { carried, closing, credentialConfig, failure, hour, now, openRoom } from './setting.ts';

const jwtBearer = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey;
const ed25519 = generateKeyPairSync('ed25519').privateKey;

const pkcs8 = (key: KeyObject) => String(key.export({ type: 'pkcs8', format: 'pem' }));
const jwk = (key: KeyObject, more: object = {}) =>
  JSON.stringify({ ...key.export({ format: 'jwk' }), ...more });
const sec1 = (key: KeyObject) => String(key.export({ type: 'sec1', format: 'pem' }));
const pkcs1 = (key: KeyObject) => String(key.export({ type: 'pkcs1', format: 'pem' }));

const signing = (text: string, over: Partial<CredentialConfig> = {}) =>
  createSigner(credentialConfig({ private_key: new Secret(text), ...over }), new ManualClock());

describe('a signed assertion', () => {
  it.each([
    ['RSA in PKCS #8', pkcs8(rsa), {}, 'RS256'],
    ['RSA in PKCS #1', pkcs1(rsa), {}, 'RS256'],
    ['RSA as a JWK', jwk(rsa), {}, 'RS256'],
    ['RSA and signing_alg', pkcs8(rsa), { signing_alg: 'PS256' as const }, 'PS256'],
    ['RSA whose JWK says so', jwk(rsa, { alg: 'PS256' }), {}, 'PS256'],
    ['RSA whose JWK is for something else', jwk(rsa, { alg: 'RSA-OAEP' }), {}, 'RS256'],
    ['P-256 in PKCS #8', pkcs8(p256), {}, 'ES256'],
    ['P-256 in SEC 1', sec1(p256), {}, 'ES256'],
    ['P-384 as a JWK', jwk(p384), {}, 'ES384'],
    ['Ed25519 in PKCS #8', pkcs8(ed25519), {}, 'EdDSA'],
    ['Ed25519 as a JWK', jwk(ed25519), {}, 'EdDSA'],
  ])('by a key of %s fits the key', async (_, text, over, alg) => {
    const clock = new ManualClock();
    const token = await signing(text, over).sign({ iss: 'me', aud: 'them' });
    const key = text.startsWith('{') ? { key: JSON.parse(text), format: 'jwk' as const } : text;
    const publicKey = createPublicKey(createPrivateKey(key));
    const { payload, protectedHeader } = await jwtVerify(token, publicKey, {
      currentDate: new Date(clock.wall()),
    });
    expect(protectedHeader).toEqual({ alg, typ: 'JWT' });
    expect(payload).toEqual({
      iss: 'me',
      aud: 'them',
      iat: clock.wall() / 1_000 - 5,
      exp: clock.wall() / 1_000 + 55,
      jti: expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
  });

  it('names its key by private_key_id, else by the kid of the JWK', async () => {
    const kid = async (text: string, over: Partial<CredentialConfig>) =>
      decodeProtectedHeader(await signing(text, over).sign({})).kid;
    expect(await kid(pkcs8(p256), { private_key_id: 'k1' })).toBe('k1');
    expect(await kid(jwk(p256, { kid: 'k2' }), {})).toBe('k2');
    expect(await kid(jwk(p256, { kid: 'k2' }), { private_key_id: 'k1' })).toBe('k1');
    expect(await kid(pkcs8(p256), {})).toBeUndefined();
  });

  it('says whose key it is by the key file of a service account, unless the claims say it', async () => {
    const file = JSON.stringify({
      private_key: pkcs8(rsa),
      private_key_id: 'k3',
      client_email: 'robot@acme.example',
    });
    const token = await signing(file).sign({ aud: 'them' });
    expect(decodeProtectedHeader(token)).toEqual({ alg: 'RS256', typ: 'JWT', kid: 'k3' });
    expect(decodeJwt(token).iss).toBe('robot@acme.example');
    expect(decodeJwt(await signing(file).sign({ iss: 'me' })).iss).toBe('me');
    expect(decodeProtectedHeader(await signing(file, { private_key_id: 'k1' }).sign({})).kid).toBe('k1');
  });

  it('is without the claims that are null', async () => {
    const { iat, exp, jti, ...rest } = decodeJwt(await signing(pkcs8(p256)).sign({ iss: 'me', sub: null }));
    expect(rest).toEqual({ iss: 'me' });
  });

  it('cannot take times and id from the configuration', async () => {
    const claims = decodeJwt(await signing(pkcs8(p256)).sign({ exp: 1, iat: 2, jti: 'always' }));
    expect(claims.exp).toBeGreaterThan(1_000_000);
    expect(claims.iat).toBeGreaterThan(1_000_000);
    expect(claims.jti).not.toBe('always');
  });

  it('is signed by the new key as soon as the text has changed', async () => {
    let text = pkcs8(p256);
    const secret = new Secret(text, () => text);
    const signer = createSigner(credentialConfig({ private_key: secret }), new ManualClock());
    expect(decodeProtectedHeader(await signer.sign({})).alg).toBe('ES256');
    text = pkcs8(rsa);
    secret.reread();
    expect(decodeProtectedHeader(await signer.sign({})).alg).toBe('RS256');
  });

  it.each([
    ['no key', 'SENT-no-key', {}],
    ['half a key', pkcs8(rsa).slice(0, 400), {}],
    ['half a JWK', jwk(rsa).slice(0, 200), {}],
    ['an algorithm of another key', pkcs8(rsa), { signing_alg: 'ES256' as const }],
    ['too short a key', pkcs8(generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey), {}],
  ])('cannot be made with %s, and the error shows nothing of it', async (_, text, over) => {
    const { message } = await failure(() => signing(text, over).sign({}), 'configuration-invalid');
    expect(message).toMatch(/^no assertion could be signed: private_key /);
    expect(message).not.toMatch(/SENT|BEGIN|MII|kty/);
  });
});

/** A room whose provider wants `client_auth`; `acme` is its credential. */
const room = (client_auth: ClientAuth, over: Partial<CredentialConfig>, script?: Script) =>
  openRoom(script, {
    credentials: { acme: credentialConfig(over) },
    provider: { token: { client_auth } },
  });

describe('private_key_jwt and client_secret_jwt', () => {
  it("have the provider's claims before the credential's", async () => {
    const claims = async (assertion_claims: CredentialConfig['assertion_claims']) => {
      const over = { private_key: new Secret(pkcs8(p256)), assertion_claims };
      const { endpoint, registry } = await openRoom(undefined, {
        credentials: { acme: credentialConfig(over) },
        provider: {
          token: { client_auth: 'private_key_jwt' },
          assertion_claims: { aud: 'https://id.example/', sub: null },
        },
      });
      await registry.get('acme').acquire();
      const { iat, exp, jti, ...rest } = decodeJwt(endpoint.calls[0]?.form.get('client_assertion') ?? '');
      return rest;
    };
    expect(await claims(undefined)).toEqual({ iss: 'id', aud: 'https://id.example/' });
    expect(await claims({ aud: 'mine', sub: 'me' })).toEqual({ iss: 'id', aud: 'mine', sub: 'me' });
  });

  it('say who the client is, to whom, once', async () => {
    const { clock, endpoint, registry } = await room('private_key_jwt', {
      private_key: new Secret(pkcs8(p256)),
      private_key_id: 'k1',
    });
    await registry.get('acme').acquire();
    clock.step(hour);
    await registry.get('acme').acquire();
    const forms = endpoint.calls.map(({ form }) => Object.fromEntries(form));
    expect(forms[0]).toEqual({
      grant_type: 'client_credentials',
      client_id: 'id',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: expect.any(String),
    });
    const claims = forms.map(({ client_assertion = '' }) => decodeJwt(client_assertion));
    expect(claims[0]).toMatchObject({ iss: 'id', sub: 'id', aud: endpoint.url });
    expect(claims[0]?.jti).not.toBe(claims[1]?.jti);
  });

  it('sign with the client secret', async () => {
    const { clock, endpoint, registry } = await room('client_secret_jwt', {});
    await registry.get('acme').acquire();
    const form = Object.fromEntries(endpoint.calls[0]?.form ?? []);
    expect(Object.values(form)).not.toContain('client-secret');
    const key = new TextEncoder().encode('client-secret');
    const { protectedHeader } = await jwtVerify(form.client_assertion ?? '', key, {
      currentDate: new Date(clock.wall()),
    });
    expect(protectedHeader.alg).toBe('HS256');
  });

  it('take the claims that the configuration gives, aud above all', async () => {
    const { endpoint, registry } = await room('private_key_jwt', {
      private_key: new Secret(pkcs8(p256)),
      assertion_claims: { aud: 'https://issuer.example', region: 'eu' },
    });
    await registry.get('acme').acquire();
    expect(clientAssertion(endpoint.calls[0])).toMatchObject({
      iss: 'id',
      sub: 'id',
      aud: 'https://issuer.example',
      region: 'eu',
    });
  });

  it('take but aud from the claims of a jwt-bearer grant', async () => {
    const { endpoint, registry } = await room('private_key_jwt', {
      grant_type: jwtBearer,
      private_key: new Secret(pkcs8(p256)),
      assertion_claims: { iss: 'robot', sub: 'person', aud: 'https://issuer.example' },
    });
    await registry.get('acme').acquire();
    const form = endpoint.calls[0]?.form;
    expect(decodeJwt(form?.get('assertion') ?? '')).toMatchObject({ iss: 'robot', sub: 'person' });
    expect(clientAssertion(endpoint.calls[0])).toMatchObject({
      iss: 'id',
      sub: 'id',
      aud: 'https://issuer.example',
    });
  });

  it('follow a clock that differs, with another id, once and for all', async () => {
    const clock = new ManualClock();
    const { endpoint, registry } = await openRoom(by(clock, hour, 'invalid_client', clientAssertion), {
      credentials: { acme: credentialConfig({ private_key: new Secret(pkcs8(p256)) }) },
      provider: { token: { client_auth: 'private_key_jwt' } },
      clock,
    });
    await registry.get('acme').acquire();
    const [first, second] = endpoint.calls.map(clientAssertion);
    expect(first?.jti).not.toBe(second?.jti);
    clock.step(hour);
    await registry.get('acme').acquire();
    expect(endpoint.calls.length).toBe(3);
  });

  it('name the missing key in the error, and send nothing', async () => {
    const { endpoint, registry } = await room('private_key_jwt', {});
    const { message } = await failure(() => registry.get('acme').acquire(), 'token-refused');
    expect(message).toBe(
      'credential acme: the token request could not be made: no assertion could be signed: private_key is missing',
    );
    expect(endpoint.calls.length).toBe(0);
  });
});

function clientAssertion(call: TokenCall | undefined) {
  return decodeJwt(call?.form.get('client_assertion') ?? '');
}

function grantAssertion(call: TokenCall | undefined) {
  return decodeJwt(call?.form.get('assertion') ?? '');
}

/** A server whose clock is `ahead` ms of `clock`, and that takes nothing from its future nor what has ended. */
function by(
  clock: ManualClock,
  ahead: number,
  error: string,
  read: (call: TokenCall) => { iat?: number; exp?: number },
): Script {
  return (count, call) => {
    const theirs = clock.wall() + ahead;
    const { iat = 0, exp = 0 } = read(call);
    const isGood = iat * 1_000 <= theirs && exp * 1_000 > theirs;
    const headers = { date: new Date(theirs).toUTCString() };
    return isGood
      ? { headers, json: answer(`t${count}`, 3600) }
      : { status: error === 'invalid_client' ? 401 : 400, headers, json: { error } };
  };
}

describe('jwt-bearer', () => {
  const account: Partial<CredentialConfig> = {
    grant_type: jwtBearer,
    private_key: new Secret(pkcs8(rsa)),
    assertion_claims: { iss: 'robot@example', scope: 'a b', aud: ['x', 'y'] },
  };

  it('signs the claims, for a minute', async () => {
    const { clock, endpoint, registry } = await room('client_secret_post', { ...account });
    await registry.get('acme').acquire();
    expect(grantAssertion(endpoint.calls[0])).toEqual({
      iss: 'robot@example',
      scope: 'a b',
      aud: ['x', 'y'],
      iat: clock.wall() / 1_000 - 5,
      exp: clock.wall() / 1_000 + 55,
      jti: expect.any(String),
    });
    expect(endpoint.calls[0]?.form.get('grant_type')).toBe(jwtBearer);
  });

  it('is for the token URL unless the claims say otherwise', async () => {
    const { endpoint, registry } = await room('client_secret_post', {
      ...account,
      assertion_claims: { iss: 'robot@example' },
    });
    await registry.get('acme').acquire();
    expect(grantAssertion(endpoint.calls[0]).aud).toBe(endpoint.url);
  });

  it.each([3_600_000, -3_600_000, 60_000, -10_000])(
    'signs again by the provider’s clock when that is %d ms ahead, and goes by it from then on',
    async (ahead) => {
      const clock = new ManualClock();
      const { endpoint, registry } = await openRoom(by(clock, ahead, 'invalid_grant', grantAssertion), {
        credentials: { acme: credentialConfig({ ...account }) },
        clock,
      });
      expect(carried(await registry.get('acme').acquire())).toBe('t2');
      const ids = endpoint.calls.map((call) => grantAssertion(call).jti);
      expect(new Set(ids).size).toBe(2);
      clock.step(hour);
      expect(carried(await registry.get('acme').acquire())).toBe('t3');
    },
  );

  it.each([0, 4_000, -4_000, 50_000])(
    'needs no second request for a clock that is %d ms ahead',
    async (ahead) => {
      const clock = new ManualClock();
      const { endpoint, registry } = await openRoom(by(clock, ahead, 'invalid_grant', grantAssertion), {
        credentials: { acme: credentialConfig({ ...account }) },
        clock,
      });
      await registry.get('acme').acquire();
      expect(endpoint.calls.length).toBe(1);
    },
  );

  it('is refused at once when the clocks agree', async () => {
    const clock = new ManualClock();
    const { endpoint, registry } = await openRoom(
      () => ({
        status: 400,
        headers: { date: new Date(clock.wall() + 4_000).toUTCString() },
        json: { error: 'invalid_grant' },
      }),
      { credentials: { acme: credentialConfig({ ...account }) }, clock },
    );
    await failure(() => registry.get('acme').acquire(), 'token-refused');
    expect(endpoint.calls.length).toBe(1);
  });

  it.each(['invalid_grant', 'invalid_client'])(
    'is signed twice at most for a provider whose clock is never the same and that says %s',
    async (error) => {
      const { endpoint, registry } = await room('private_key_jwt', { ...account }, (count) => ({
        status: 400,
        headers: { date: new Date(Date.UTC(2030, 0, 1) + count * hour).toUTCString() },
        json: { error },
      }));
      await failure(() => registry.get('acme').acquire(), 'token-refused');
      expect(endpoint.calls.length).toBe(2);
    },
  );

  it('is what is signed again, never a password', async () => {
    const login = {
      grant_type: 'password',
      username: 'u',
      password: new Secret('wrong'),
      private_key: new Secret(pkcs8(p256)),
      assertion_claims: { aud: 'https://issuer.example' },
    } as const;
    const { endpoint, registry } = await room('private_key_jwt', login, () => ({
      status: 400,
      headers: { date: new Date(Date.UTC(2031, 0, 1)).toUTCString() },
      json: { error: 'invalid_grant' },
    }));
    await failure(() => registry.get('acme').acquire(), 'token-refused');
    expect(endpoint.calls.length).toBe(1);
  });
});

describe('what others renew in its file', () => {
  function inFile(text: string) {
    const dir = mkdtempSync(join(tmpdir(), 'cupbearer-assertion-'));
    closing(async () => rmSync(dir, { recursive: true }));
    const path = join(dir, 'token');
    writeFileSync(path, text);
    const secret = new Secret(text, () => readFileSync(path, 'utf8'), [path]);
    return { secret, write: (next: string) => writeFileSync(path, next), remove: () => rmSync(path) };
  }

  it.each([
    ['client_assertion', 'client_assertion', 'private_key_jwt', {}],
    ['assertion', 'assertion', 'client_secret_post', { grant_type: jwtBearer }],
    [
      'subject_token',
      'subject_token',
      'client_secret_post',
      { grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange' },
    ],
    [
      'actor_token',
      'actor_token',
      'client_secret_post',
      {
        grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
        subject_token: new Secret('s'),
        actor_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      },
    ],
  ] as const)('is read for each request: %s', async (key, param, client_auth, over) => {
    const { secret, write, remove } = inFile('one');
    const { clock, endpoint, registry } = await room(client_auth, { ...over, [key]: secret });
    const sent = async () => {
      clock.step(hour);
      await registry.get('acme').acquire();
      return endpoint.calls.at(-1)?.form.get(param);
    };
    expect(await sent()).toBe('one');
    write('two');
    expect(await sent()).toBe('two');
    remove();
    expect(await sent()).toBe('two');
    expect(endpoint.calls.length).toBe(3);
    expect(now(registry.get('acme').acquire()).gen).toBe(3);
  });
});
