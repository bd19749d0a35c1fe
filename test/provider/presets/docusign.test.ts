import { generateKeyPairSync } from 'node:crypto';
import { jwtVerify } from 'jose';
import { fetch } from 'undici';
import { describe, expect, test } from 'vitest';
import type { TokenCall, TokenReply } from '../../support/token-endpoint.ts';
import { proxy, startVendor } from './live.ts';
import { answered, form, login, read, refused, request } from './page.ts';

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const pem = String(privateKey.export({ type: 'pkcs1', format: 'pem' }));
const jwtBearer = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const iss = '7c2b8d7e-83c3-4940-af5e-cda8a50dd73f';
const sub = '464f7988-86d2-4b4f-b1c1-a3c4a4b9f4a6';
const client = { id: iss, secret: 'd7014634' };

describe.each([
  ['docusign', 'account.docusign.com'],
  ['docusign-demo', 'account-d.docusign.com'],
])('%s', (preset, host) => {
  test('an assertion goes alone', () => {
    const params = { grant_type: jwtBearer, assertion: 'a.b.c', scope: 'signature' };
    expect(request(preset, { params, client: { id: iss } })).toEqual({
      method: 'POST',
      url: `https://${host}/oauth/token`,
      headers: form,
      body: 'grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=a.b.c',
    });
  });

  test.each([
    ['exchange', { grant_type: 'authorization_code', code: 'c1' }, 'grant_type=authorization_code&code=c1'],
    [
      'refresh',
      { grant_type: 'refresh_token', refresh_token: 'r1', scope: 'signature' },
      'grant_type=refresh_token&refresh_token=r1',
    ],
  ] as const)('%s by HTTP Basic, as on its page', (kind, params, body) => {
    expect(request(preset, { kind, params, client })).toEqual({
      method: 'POST',
      url: `https://${host}/oauth/token`,
      headers: [...form, ['authorization', `Basic ${btoa(`${iss}:d7014634`)}`]],
      body,
    });
  });

  test('the login page', () => {
    const params = { redirect_uri: 'https://app.example/cb', scope: 'signature extended', state: 's' };
    expect(login(preset, { params: { ...params, code_challenge: 'c' }, client })).toEqual({
      page: `https://${host}/oauth/auth`,
      params: { response_type: 'code', client_id: iss, ...params },
    });
  });

  test('its answers', () => {
    const body = { access_token: 'eyJ0eXAi', token_type: 'Bearer', refresh_token: 'r2', expires_in: 28_800 };
    expect(read(preset, 200, body).result).toEqual(
      answered({ lifetimeMs: 28_800_000, refreshToken: 'r2', warnings: [] }),
    );
    expect(read(preset, 400, { error: 'consent_required' }).result).toEqual(
      refused({ kind: 'config', error: 'consent_required' }),
    );
    const error_description = 'no_valid_keys_or_signatures';
    expect(read(preset, 400, { error: 'invalid_grant', error_description }).result).toEqual(
      refused({ kind: 'invalid_grant' }),
    );
  });

  /** Docusign's checks of an assertion, once the user has given consent. */
  async function checkAssertion({ form }: TokenCall, hasConsent: boolean): Promise<TokenReply> {
    expect([...form.keys()]).toEqual(['grant_type', 'assertion']);
    const verified = await jwtVerify(form.get('assertion') ?? '', publicKey, {
      algorithms: ['RS256'],
      audience: host,
      issuer: iss,
      subject: sub,
    }).catch(() => undefined);
    const scopes = String(verified?.payload.scope).split(' ');
    if (!scopes.includes('impersonation') || verified?.payload.aud !== host)
      return {
        status: 400,
        json: { error: 'invalid_grant', error_description: 'no_valid_keys_or_signatures' },
      };
    if (!hasConsent) return { status: 400, json: { error: 'consent_required' } };
    return { json: { access_token: 'at', token_type: 'Bearer', expires_in: 3600, scope: scopes.join(' ') } };
  }

  test.each([true, false])('a call with a signed assertion; consent given: %s', async (hasConsent) => {
    const vendor = await startVendor({});
    vendor.script = (_, call) =>
      call.url === '/oauth/token'
        ? checkAssertion(call, hasConsent)
        : { json: `${call.url} ${call.headers.authorization}` };
    const { url } = await proxy(
      `
providers: { ${preset}: { token: { url: "${vendor.origin}/oauth/token" } } }
credentials:
  sign:
    provider: ${preset}
    grant_type: ${jwtBearer}
    assertion_claims: { iss: ${iss}, sub: ${sub} }
    private_key: \${KEY}
routes: { /sign: { credential: sign, upstream: "${vendor.origin}/restapi" } }
`,
      { KEY: pem },
    );
    const answer = await fetch(`${url}/sign/v2.1/accounts`);
    const text = await answer.text();
    if (hasConsent) expect(text).toBe('"/restapi/v2.1/accounts Bearer at"');
    else expect([answer.status, text]).toEqual([502, expect.stringContaining('(consent_required)')]);
  });
});
