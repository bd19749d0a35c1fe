import { generateKeyPairSync } from 'node:crypto';
import { jwtVerify } from 'jose';
import { fetch } from 'undici';
import { describe, expect, test } from 'vitest';
import type { TokenCall, TokenReply } from '../../support/token-endpoint.ts';
import { proxy, startVendor } from './live.ts';
import { answered, read, refused } from './page.ts';

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const pem = String(privateKey.export({ type: 'pkcs1', format: 'pem' }));

/** What GitHub's pages say of the JWT; anything else is refused as there. */
async function checkJwt({ headers }: TokenCall): Promise<TokenReply | undefined> {
  const refusal = { status: 401, json: { message: 'A JSON web token could not be decoded' } };
  const [scheme, jwt = ''] = (headers.authorization ?? '').split(' ');
  if (scheme !== 'Bearer') return refusal;
  const verified = await jwtVerify(jwt, publicKey, { algorithms: ['RS256'], issuer: 'Iv23liAcme' }).catch(
    () => undefined,
  );
  if (verified === undefined) return refusal;
  const { iss, iat = 0, exp = 0, jti, ...others } = verified.payload;
  expect([iss, typeof jti, others]).toEqual(['Iv23liAcme', 'string', {}]);
  expect(exp - iat).toBeLessThanOrEqual(600);
  return undefined;
}

async function startGitHub() {
  let issued = 0;
  const good = new Set<string>();
  const vendor = await startVendor({});
  vendor.script = async (_, call) => {
    const bearer = /^Bearer (.*)$/.exec(call.headers.authorization ?? '')?.[1] ?? '';
    if (call.url === '/app/installations/12345/access_tokens' && call.method === 'POST') {
      const refusal = await checkJwt(call);
      if (refusal !== undefined) return refusal;
      const token = `ghs_${++issued}`;
      good.add(token);
      const expires_at = new Date(Date.now() + 3_600_000).toISOString().replace(/\.\d+/, '');
      return { status: 201, json: { token, expires_at, permissions: { issues: 'write' } } };
    }
    if (!good.has(bearer)) return { status: 401, json: { message: 'Bad credentials' } };
    if (call.url === '/installation/token') return { status: good.delete(bearer) ? 204 : 401, raw: '' };
    return { json: { by: bearer } };
  };
  return { vendor, revokeAll: () => good.clear(), good };
}

const yaml = (origin: string, more = '') =>
  `credentials:
  github: { provider: github-app, base_url: "${origin}", client_id: Iv23liAcme, private_key: "\${KEY}", params: { installation_id: 12345 }${more} }
routes:
  /github: { credential: github }
`;

describe('github-app', () => {
  test('a JWT of the app asks for the token of its installation, which goes to the API', async () => {
    const { vendor } = await startGitHub();
    const { url } = await proxy(yaml(vendor.origin), { KEY: pem });
    const answer = await fetch(`${url}/github/repos/acme/site/issues`);
    expect(await answer.json()).toEqual({ by: 'ghs_1' });
    const [asked, used] = vendor.calls;
    expect(asked).toMatchObject({
      method: 'POST',
      url: '/app/installations/12345/access_tokens',
      body: '{}',
    });
    expect(asked?.headers).toMatchObject({
      accept: 'application/vnd.github+json',
      'content-type': 'application/json',
      'x-github-api-version': '2022-11-28',
      'user-agent': 'cupbearer',
    });
    expect(used).toMatchObject({ method: 'GET', url: '/repos/acme/site/issues' });
  });

  test('a token that GitHub no longer takes is replaced, and the call answered', async () => {
    const { vendor, revokeAll } = await startGitHub();
    const { url, clock } = await proxy(yaml(vendor.origin), { KEY: pem });
    await (await fetch(`${url}/github/user`)).text();
    revokeAll();
    clock.advance(5_000);
    const answer = await fetch(`${url}/github/user`);
    expect([answer.status, await answer.json()]).toEqual([200, { by: 'ghs_2' }]);
  });

  test('a token is revoked by itself, when Cupbearer stops', async () => {
    const { vendor, good } = await startGitHub();
    const { url, stop } = await proxy(yaml(vendor.origin, ', revoke_on_shutdown: true'), { KEY: pem });
    await (await fetch(`${url}/github/user`)).text();
    expect(good.size).toBe(1);
    await stop();
    expect(good.size).toBe(0);
    const { method, url: at, body, headers } = vendor.calls.at(-1) ?? {};
    expect([method, at, body, headers?.authorization]).toEqual([
      'DELETE',
      '/installation/token',
      '',
      'Bearer ghs_1',
    ]);
  });

  test('the key of another app is told as a wrong client, once', async () => {
    const { vendor } = await startGitHub();
    const other = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
    const KEY = String(other.export({ type: 'pkcs1', format: 'pem' }));
    const { url } = await proxy(yaml(vendor.origin), { KEY });
    const answer = await fetch(`${url}/github/user`);
    expect(answer.status).toBe(502);
    expect(await answer.json()).toMatchObject({ detail: expect.stringContaining('github') });
    expect(vendor.calls.length).toBe(1);
  });

  test('the answer of its page is read', () => {
    const body = {
      token: 'ghs_16C7e42F292c6912E7710c838347Ae178B4a',
      expires_at: '2016-07-11T22:14:10Z',
      permissions: { issues: 'write', contents: 'read' },
      repository_selection: 'selected',
    };
    const { result, attach } = read('github-app', 201, body, Date.UTC(2016, 6, 11, 21, 14, 10));
    expect(result).toEqual(answered({ lifetimeMs: 3_600_000, lifetimeKnown: true, warnings: [] }));
    expect(attach).toEqual(['Authorization', `Bearer ${body.token}`]);
  });

  test('its refusals', () => {
    const message = 'API rate limit exceeded for installation ID 12345.';
    expect(read('github-app', 403, { message }).result).toEqual(refused({ kind: 'transient' }));
    const suspended = { message: 'This installation has been suspended' };
    expect(read('github-app', 403, suspended).result).toEqual(refused({ kind: 'config' }));
    expect(read('github-app', 404, { message: 'Not Found' }).result).toEqual(refused({ kind: 'config' }));
    expect(read('github-app', 401, { message: 'Bad credentials' }).result).toEqual(
      refused({ kind: 'invalid_client' }),
    );
  });
});
