import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import Provider from 'oidc-provider';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Fixture, startCupbearer } from '../support/fixture.ts';
import { type OffsetClock, offsetClock } from '../support/offset-clock.ts';
import { rawRequest } from '../support/raw.ts';

/*
 * An authorization server that none of us wrote (oidc-provider) through the plain `oauth2` preset, and an API that
 * asks it whether each token is good.
 */
describe('oidc-provider through the oauth2 preset', () => {
  let issuer: Server;
  let api: Server;
  let provider: Provider;
  let proxy: Fixture;
  let clock: OffsetClock;
  let tokenCalls: { grant: string; status: number }[];
  let seenTokens: string[];

  beforeAll(async () => {
    clock = offsetClock();
    tokenCalls = [];
    seenTokens = [];
    issuer = createServer();
    await new Promise<void>((resolve) => issuer.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(issuer.address() as AddressInfo).port}`;
    provider = new Provider(url, {
      clients: [
        {
          client_id: 'machine',
          client_secret: 'p@ss:w/rd %',
          grant_types: ['client_credentials'],
          redirect_uris: [],
          response_types: [],
        },
        {
          client_id: 'person',
          client_secret: 'another-secret',
          token_endpoint_auth_method: 'client_secret_post',
          grant_types: ['authorization_code', 'refresh_token'],
          redirect_uris: ['https://app.example/callback'],
        },
      ],
      features: { clientCredentials: { enabled: true }, devInteractions: { enabled: false } },
      rotateRefreshToken: true,
      findAccount: (_ctx, accountId) => ({ accountId, claims: () => ({ sub: accountId }) }),
      ttl: { ClientCredentials: 600, AccessToken: 600, RefreshToken: 86_400, Grant: 86_400 },
      jwks: { keys: [await signingKey()] },
      cookies: { keys: ['test'] },
    });
    provider.on('grant.success', (ctx) =>
      tokenCalls.push({ grant: String(ctx.oidc.params?.grant_type), status: 200 }),
    );
    provider.on('grant.error', (ctx, error) =>
      tokenCalls.push({ grant: String(ctx.oidc.params?.grant_type), status: error.statusCode ?? 0 }),
    );
    issuer.on('request', provider.callback());
    api = createServer(async (request, response) => {
      const token = /^Bearer (\S+)$/.exec(request.headers.authorization ?? '')?.[1] ?? '';
      const known =
        (await provider.AccessToken.find(token)) ?? (await provider.ClientCredentials.find(token));
      seenTokens.push(token);
      response.writeHead(known?.isValid ? 200 : 401, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ client: known?.clientId ?? null }));
    });
    await new Promise<void>((resolve) => api.listen(0, '127.0.0.1', resolve));
    proxy = await startCupbearer(
      `
server: { listen: "127.0.0.1:0", admin: "off" }
providers:
  issuer: { base_url: "${url}", token: { url: /token } }
  issuer-post: { extends: issuer, token: { client_auth: client_secret_post } }
credentials:
  machine: { provider: issuer, client_id: machine, client_secret: "\${SECRET}" }
  person: { provider: issuer-post, grant_type: refresh_token, client_id: person, client_secret: another-secret, refresh_token: "\${SEED}" }
  wrong: { provider: issuer, client_id: machine, client_secret: nope }
routes:
  /machine: { upstream: "http://127.0.0.1:${(api.address() as AddressInfo).port}", credential: machine }
  /person: { upstream: "http://127.0.0.1:${(api.address() as AddressInfo).port}", credential: person }
  /wrong: { upstream: "http://127.0.0.1:${(api.address() as AddressInfo).port}", credential: wrong }
`,
      { clock, env: { SECRET: 'p@ss:w/rd %', SEED: await seedRefreshToken(provider) } },
    );
  });
  afterAll(async () => {
    await proxy.stop();
    for (const server of [issuer, api]) {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  });

  const get = async (path: string) => {
    const response = await rawRequest(
      proxy.port,
      `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`,
    );
    return { status: response.status, body: response.body };
  };

  it('gives client_credentials tokens, with a secret that needs the Basic encoding of RFC 6749 §2.3.1', async () => {
    expect(await get('/machine/x')).toEqual({
      status: 200,
      body: expect.stringContaining('"client":"machine"'),
    });
    expect(await get('/machine/y')).toMatchObject({ status: 200 });
    expect(tokenCalls).toEqual([{ grant: 'client_credentials', status: 200 }]);
  });

  it('recovers when the issuer has dropped the token', async () => {
    clock.advance(5_000);
    await (await provider.ClientCredentials.find(seenTokens.at(-1) ?? ''))?.destroy();
    expect(await get('/machine/z')).toMatchObject({ status: 200 });
    expect(tokenCalls.filter(({ grant }) => grant === 'client_credentials')).toHaveLength(2);
  });

  it('spends each rotating refresh token exactly once, over many lifetimes', async () => {
    const before = new Set(seenTokens);
    for (let lifetime = 0; lifetime < 6; lifetime++) {
      const answers = await Promise.all(Array.from({ length: 20 }, () => get('/person/x')));
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
      clock.advance(700_000);
    }
    expect(tokenCalls.filter(({ grant }) => grant === 'refresh_token')).toEqual(
      Array(6).fill({ grant: 'refresh_token', status: 200 }),
    );
    expect(new Set(seenTokens.filter((token) => !before.has(token))).size).toBe(6);
  });

  it('says what is wrong when the secret is', async () => {
    const answer = await get('/wrong/x');
    expect(answer.status).toBe(502);
    expect(JSON.parse(answer.body)).toMatchObject({
      type: 'urn:cupbearer:problem:token-refused',
      detail: expect.stringMatching(/credential wrong.*invalid_client/),
    });
  });
});

async function signingKey() {
  const { generateKeyPairSync } = await import('node:crypto');
  return {
    ...generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' }),
    use: 'sig',
  };
}

/** What a finished login would have left: a grant and its refresh token. */
async function seedRefreshToken(provider: Provider): Promise<string> {
  const client = await provider.Client.find('person');
  if (client === undefined) throw new Error('no client');
  const grant = new provider.Grant({ accountId: 'someone', clientId: client.clientId });
  grant.addOIDCScope('openid offline_access');
  const token = new provider.RefreshToken({
    accountId: 'someone',
    client,
    grantId: await grant.save(),
    gty: 'authorization_code',
    scope: 'openid offline_access',
  } as ConstructorParameters<typeof provider.RefreshToken>[0]);
  return token.save();
}
