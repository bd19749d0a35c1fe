import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { createLocalJWKSet, type JWK, jwtVerify } from 'jose';
import Provider, { type ClientMetadata, errors } from 'oidc-provider';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Authority, authority } from '../support/client-certificate.ts';
import { type Fixture, startCupbearer } from '../support/fixture.ts';
import { type OffsetClock, offsetClock } from '../support/offset-clock.ts';
import { rawRequest } from '../support/raw.ts';

const jwtBearer = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const tokenExchange = 'urn:ietf:params:oauth:grant-type:token-exchange';
const accessToken = 'urn:ietf:params:oauth:token-type:access_token';
const resource = 'https://api.example/v1';

/*
 * An authorization server that none of us wrote (oidc-provider), over TLS with an authority of its own, and an API that
 * asks it whether each token is good and answers whose it is. jwt-bearer and token exchange are not in it: they are added
 * here, with jose to check what they are given.
 */
describe('oidc-provider and clients that prove themselves without sending a secret', () => {
  let ca: Authority;
  let dir: string;
  let issuer: ReturnType<typeof createTlsServer>;
  let api: Server;
  let provider: Provider;
  let proxy: Fixture;
  let clock: OffsetClock;
  let url: string;
  /** Grant types asked for, and how each request ended. */
  const calls: string[] = [];
  const usedIds = new Set<string>();
  /** Tokens the API was sent. */
  const seen: string[] = [];

  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
  const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  const robot = generateKeyPairSync('ed25519').privateKey;
  const hmacSecret = 'a client secret of more than 32 bytes';

  beforeAll(async () => {
    clock = offsetClock();
    ca = authority();
    dir = mkdtempSync(join(tmpdir(), 'cupbearer-oidc-'));
    const server = ca.issue('issuer');
    const identity = { cert: readFileSync(server.cert), key: readFileSync(server.key), ca: ca.cert };
    issuer = createTlsServer({ ...identity, requestCert: true, rejectUnauthorized: false });
    await new Promise<void>((resolve) => issuer.listen(0, '127.0.0.1', resolve));
    url = `https://localhost:${(issuer.address() as AddressInfo).port}`;
    provider = openProvider();
    addGrants();
    provider.on('grant.success', (ctx) => calls.push(`${ctx.oidc.client?.clientId} ok`));
    provider.on('grant.error', (ctx, error) => calls.push(`${ctx.oidc.params?.client_id} ${error.error}`));
    issuer.on('request', provider.callback());
    api = createHttpServer(async (request, response) => {
      const token = /^Bearer (\S+)$/.exec(request.headers.authorization ?? '')?.[1] ?? '';
      seen.push(token);
      const whose = await look(token);
      response.writeHead(whose === undefined ? 401 : 200, { 'content-type': 'application/json' });
      response.end(JSON.stringify(whose ?? {}));
    });
    await new Promise<void>((resolve) => api.listen(0, '127.0.0.1', resolve));
    proxy = await startCupbearer(configuration(), { clock });
  });
  afterAll(async () => {
    await proxy.stop();
    for (const server of [issuer, api]) {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
    rmSync(dir, { recursive: true });
    ca.remove();
  });

  function openProvider(): Provider {
    const machine = (client_id: string, more: Partial<ClientMetadata>): ClientMetadata => ({
      client_id,
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: [],
      ...more,
    });
    const signing = (client_id: string, alg: 'RS256' | 'ES256', key: KeyObject) =>
      machine(client_id, {
        token_endpoint_auth_method: 'private_key_jwt',
        token_endpoint_auth_signing_alg: alg,
        jwks: { keys: [publicJwk(key, client_id)] },
      });
    return new Provider(url, {
      clients: [
        signing('rs256', 'RS256', rsa),
        signing('es256', 'ES256', p256),
        machine('hmac', { token_endpoint_auth_method: 'client_secret_jwt', client_secret: hmacSecret }),
        machine('mutual', {
          token_endpoint_auth_method: 'tls_client_auth',
          tls_client_auth_subject_dn: 'CN=mutual',
        }),
        machine('listed', { client_secret: 'the second secret' }),
        machine('robot', { token_endpoint_auth_method: 'none', grant_types: [jwtBearer] }),
        machine('shop', { client_secret: 'shop secret', grant_types: [tokenExchange] }),
      ],
      clientAuthMethods: [
        'client_secret_basic',
        'client_secret_jwt',
        'private_key_jwt',
        'tls_client_auth',
        'none',
      ],
      features: {
        clientCredentials: { enabled: true },
        devInteractions: { enabled: false },
        mTLS: {
          enabled: true,
          tlsClientAuth: true,
          getCertificate: (ctx) => {
            const { raw } = (ctx.socket as TLSSocket).getPeerX509Certificate() ?? {};
            return raw && `-----BEGIN CERTIFICATE-----\n${raw.toString('base64')}\n-----END CERTIFICATE-----`;
          },
          certificateAuthorized: (ctx) => (ctx.socket as TLSSocket).authorized,
          certificateSubjectMatches: (ctx, _property, expected) =>
            (ctx.socket as TLSSocket).getPeerX509Certificate()?.subject === expected,
        },
        resourceIndicators: {
          enabled: true,
          getResourceServerInfo: (_ctx, audience) => ({
            scope: 'read write',
            audience,
            accessTokenFormat: 'jwt',
            jwt: { sign: { alg: 'RS256' } },
          }),
        },
      },
      ttl: { ClientCredentials: 600 },
      jwks: { keys: [{ ...(rsa.export({ format: 'jwk' }) as JWK), use: 'sig', kid: 'issuer' } as never] },
      cookies: { keys: ['test'] },
    });
  }

  /** What a strict server makes of RFC 7523 §3 and RFC 8693 §2.1. */
  function addGrants(): void {
    const refuse = (why: string) => new errors.InvalidGrant(why);
    provider.registerGrantType<{ assertion?: string }>(
      jwtBearer,
      async (ctx) => {
        const keys = createLocalJWKSet({ keys: [publicJwk(robot, 'robot-key')] });
        const expected = { issuer: 'robot@example', audience: `${url}/token`, maxTokenAge: 60 };
        const { payload } = await jwtVerify(ctx.oidc.params.assertion ?? '', keys, expected).catch(() => {
          throw refuse('the assertion is not good');
        });
        if (usedIds.has(payload.jti ?? '')) throw refuse('the assertion was used before');
        usedIds.add(payload.jti ?? '');
        await grant(ctx, `on behalf of ${payload.sub}`);
      },
      ['assertion', 'scope'],
    );
    provider.registerGrantType<{ subject_token?: string; subject_token_type?: string; audience?: string[] }>(
      tokenExchange,
      async (ctx) => {
        const { subject_token = '', subject_token_type, audience } = ctx.oidc.params;
        const subject = await provider.ClientCredentials.find(subject_token);
        if (subject_token_type !== accessToken || !subject?.isValid) {
          throw new errors.InvalidRequest('subject_token is not good');
        }
        await grant(ctx, `${subject.clientId} for ${[audience].flat().join(' and ')}`);
        Object.assign(ctx.body as object, { issued_token_type: accessToken });
      },
      ['subject_token', 'subject_token_type', 'audience'],
      ['audience'],
    );
    async function grant(
      ctx: Parameters<Parameters<typeof provider.registerGrantType>[1]>[0],
      scope: string,
    ) {
      const token = new provider.ClientCredentials({ client: ctx.oidc.client, scope });
      ctx.body = { access_token: await token.save(), token_type: 'Bearer', expires_in: 600 };
    }
  }

  /** Whose a token is; undefined when it is not good. */
  async function look(token: string) {
    if (!token.includes('.')) {
      const known = await provider.ClientCredentials.find(token);
      return known?.isValid ? { client: known.clientId, scope: known.scope } : undefined;
    }
    const keys = createLocalJWKSet({ keys: [publicJwk(rsa, 'issuer')] });
    const verified = await jwtVerify(token, keys, { issuer: url, audience: resource }).catch(() => undefined);
    return verified && { client: verified.payload.client_id, audience: verified.payload.aud };
  }

  function configuration(): string {
    const file = (name: string, text: string) => {
      writeFileSync(join(dir, name), text);
      return `"\${file:${join(dir, name)}}"`;
    };
    const pem = (key: KeyObject) => String(key.export({ type: 'pkcs8', format: 'pem' }));
    const client = ca.issue('mutual');
    const trust = `ca: "${ca.path}"`;
    const names = ['rs256', 'es256', 'issuer-aud', 'hmac', 'mutual', 'listed', 'robot', 'shop', 'resource'];
    return `
server: { listen: "127.0.0.1:0", admin: "off" }
providers:
  issuer: { base_url: "${url}", token: { url: /token } }
  by-key: { extends: issuer, token: { client_auth: private_key_jwt } }
  by-hmac: { extends: issuer, token: { client_auth: client_secret_jwt } }
  by-certificate: { extends: issuer, token: { client_auth: tls_client_auth } }
  by-name: { extends: issuer, token: { client_auth: none } }
credentials:
  rs256: { provider: by-key, client_id: rs256, private_key: ${file('rsa', pem(rsa))}, tls: { ${trust} } }
  es256: { provider: by-key, client_id: es256, private_key: ${file('p256', JSON.stringify(p256.export({ format: 'jwk' })))}, private_key_id: es256, tls: { ${trust} } }
  issuer-aud: { provider: by-key, client_id: es256, private_key: ${file('p256', pem(p256))}, assertion_claims: { aud: "${url}" }, tls: { ${trust} } }
  hmac: { provider: by-hmac, client_id: hmac, client_secret: "${hmacSecret}", tls: { ${trust} } }
  mutual: { provider: by-certificate, client_id: mutual, tls: { ${trust}, cert: "${client.cert}", key: "${client.key}" } }
  listed: { provider: issuer, client_id: listed, client_secret: [the first secret, the second secret], tls: { ${trust} } }
  robot:
    provider: by-name
    grant_type: ${jwtBearer}
    client_id: robot
    private_key: ${file('robot', pem(robot))}
    private_key_id: robot-key
    assertion_claims: { iss: robot@example, sub: a-person }
    tls: { ${trust} }
  shop:
    provider: issuer
    grant_type: ${tokenExchange}
    client_id: shop
    client_secret: shop secret
    using: es256
    audience: [billing, ledger]
    tls: { ${trust} }
  resource: { provider: by-key, client_id: rs256, private_key: ${file('rsa', pem(rsa))}, resource: "${resource}", tls: { ${trust} } }
  impostor: { provider: by-key, client_id: rs256, private_key: ${file('other', pem(generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey))}, tls: { ${trust} } }
  stranger: { provider: by-certificate, client_id: mutual, tls: { ${trust}, cert: "${ca.issue('stranger').cert}", key: "${ca.issue('stranger').key}" } }
  untrusting: { provider: by-key, client_id: rs256, private_key: ${file('rsa', pem(rsa))} }
routes:
${[...names, 'impostor', 'stranger', 'untrusting']
  .map((name) => `  /${name}: { upstream: "http://127.0.0.1:${port(api)}", credential: ${name} }`)
  .join('\n')}
`;
  }

  const get = async (path: string) => {
    const request = `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`;
    const { status, body } = await rawRequest(proxy.port, request);
    const json: unknown = JSON.parse(body.slice(body.indexOf('{'), body.lastIndexOf('}') + 1));
    return { status, json };
  };

  it.each([
    ['private_key_jwt, RS256', 'rs256', 'rs256'],
    ['private_key_jwt, ES256 by a JWK', 'es256', 'es256'],
    ['private_key_jwt for the issuer instead of the token URL', 'issuer-aud', 'es256'],
    ['client_secret_jwt', 'hmac', 'hmac'],
    ['tls_client_auth', 'mutual', 'mutual'],
  ])('takes %s, for one token and the next', async (_, route, client) => {
    calls.length = 0;
    expect(await get(`/${route}/x`)).toMatchObject({ status: 200, json: { client } });
    expect(await get(`/${route}/y`)).toMatchObject({ status: 200, json: { client } });
    clock.advance(700_000);
    expect(await get(`/${route}/z`)).toMatchObject({ status: 200, json: { client } });
    expect(calls).toEqual([`${client} ok`, `${client} ok`]);
  });

  it('takes the second secret of a list at the cost of one refusal', async () => {
    calls.length = 0;
    expect(await get('/listed/x')).toMatchObject({ status: 200, json: { client: 'listed' } });
    expect(calls.map((call) => call.split(' ')[1])).toEqual(['invalid_client', 'ok']);
  });

  it('gives a token for the resource that is asked for (RFC 8707)', async () => {
    expect(await get('/resource/x')).toEqual({
      status: 200,
      json: { client: 'rs256', audience: resource },
    });
  });

  it('gives tokens for assertions that we sign (RFC 7523 §2.1), also when our clock is wrong', async () => {
    const expected = { status: 200, json: { client: 'robot', scope: 'on behalf of a-person' } };
    clock.advance(3_600_000);
    calls.length = 0;
    expect(await get('/robot/x')).toEqual(expected);
    expect(calls).toEqual(['robot invalid_grant', 'robot ok']);
    clock.advance(3_000);
    await (await provider.ClientCredentials.find(seen.at(-1) ?? ''))?.destroy();
    expect(await get('/robot/y')).toEqual(expected);
    expect(calls).toEqual(['robot invalid_grant', 'robot ok', 'robot ok']);
    expect(usedIds.size).toBe(2);
  });

  it('exchanges the token of another client (RFC 8693)', async () => {
    expect(await get('/shop/x')).toEqual({
      status: 200,
      json: { client: 'shop', scope: 'es256 for billing and ledger' },
    });
  });

  it.each([
    ['a key that is not the client’s', 'impostor', /invalid_client/],
    ['a certificate that is not the client’s', 'stranger', /invalid_client/],
  ])('refuses %s', async (_, route, why) => {
    expect(await get(`/${route}/x`)).toMatchObject({
      status: 502,
      json: { type: 'urn:cupbearer:problem:token-refused', detail: expect.stringMatching(why) },
    });
  });

  it('is sent nothing by a credential that does not trust its authority', async () => {
    calls.length = 0;
    expect(await get('/untrusting/x')).toMatchObject({
      status: 503,
      json: { type: 'urn:cupbearer:problem:token-unavailable' },
    });
    expect(calls).toEqual([]);
    expect(proxy.log()).toContain('check tls.ca of the credential');
  });

  it('leaves no key, secret or assertion in the log', () => {
    expect(proxy.log()).not.toMatch(/PRIVATE KEY|eyJ|secret of more|shop secret/);
  });
});

function publicJwk(key: KeyObject, kid: string): JWK {
  const { kty, n, e, crv, x, y } = key.export({ format: 'jwk' }) as JWK;
  const members = Object.entries({ kty, n, e, crv, x, y, kid }).filter(([, value]) => value !== undefined);
  return Object.fromEntries(members) as unknown as JWK;
}

function port(server: Server): number {
  return (server.address() as AddressInfo).port;
}
