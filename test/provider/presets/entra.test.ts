import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { jwtVerify } from 'jose';
import { fetch } from 'undici';
import { describe, expect, test } from 'vitest';
import { proxy, startVendor } from './live.ts';
import { answered, clientCredentials, form, login, read, refused, request } from './page.ts';
import { rsaCertificate } from './rsa-certificate.ts';

const scope = 'https://graph.microsoft.com/.default';

describe('entra', () => {
  const base_url = 'https://login.microsoftonline.com/contoso.onmicrosoft.com';
  const client = { id: '535fb089-9ff3-47b6-9bfb-4f1264799865', secret: 'sampleCredentials' };

  test('client credentials as on its page', () => {
    const built = request('entra', { params: { ...clientCredentials, scope }, client }, { base_url });
    expect(built).toMatchObject({
      method: 'POST',
      url: 'https://login.microsoftonline.com/contoso.onmicrosoft.com/oauth2/v2.0/token',
      headers: form,
    });
    const page =
      'client_id=535fb089-9ff3-47b6-9bfb-4f1264799865&scope=https%3A%2F%2Fgraph.microsoft.com%2F.default&client_secret=sampleCredentials&grant_type=client_credentials';
    expect([...new URLSearchParams(built.body)].sort()).toEqual([...new URLSearchParams(page)].sort());
  });

  test('a person logs in with a challenge, or on another device', () => {
    const params = { scope: 'offline_access User.Read', code_challenge: 'c1' };
    expect(login('entra', { params, client }, { base_url })).toMatchObject({
      page: `${base_url}/oauth2/v2.0/authorize`,
      params: { code_challenge_method: 'S256', scope: 'offline_access User.Read' },
    });
    expect(
      request('entra', { kind: 'device_authorization', params: { scope }, client }, { base_url }).url,
    ).toBe(`${base_url}/oauth2/v2.0/devicecode`);
  });

  test('the answer of its page is read', () => {
    const body = { token_type: 'Bearer', expires_in: 3599, access_token: 'eyJ0eXAi' };
    expect(read('entra', 200, body).result).toEqual(
      answered({ lifetimeMs: 3_599_000, refreshToken: undefined, warnings: [] }),
    );
  });

  test('its refusals', () => {
    const body = {
      error: 'invalid_client',
      error_description: 'AADSTS7000215: Invalid client secret provided.',
      error_codes: [7000215],
      trace_id: '0000aaaa-11bb-cccc-dd22-eeeeee333333',
    };
    expect(read('entra', 401, body).result).toEqual(refused({ kind: 'invalid_client' }));
    expect(read('entra', 400, { error: 'invalid_scope' }).result).toEqual(refused({ kind: 'config' }));
    expect(read('entra', 400, { error: 'interaction_required' }).result).toEqual(refused({ kind: 'config' }));
  });
});

describe('entra-assertion', () => {
  async function startEntra(isClient: (assertion: string) => Promise<boolean>) {
    const vendor = await startVendor({});
    vendor.script = async (_, { url, form: sent, headers }) => {
      if (url === '/v1.0/users') return { json: { by: headers.authorization } };
      const type = sent.get('client_assertion_type');
      const isType = type === 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
      const isWhole =
        url === '/acme/oauth2/v2.0/token' && sent.get('scope') === scope && sent.get('client_id') === 'app';
      if (!isWhole || !isType || !(await isClient(sent.get('client_assertion') ?? ''))) {
        return { status: 401, json: { error: 'invalid_client' } };
      }
      return { json: { token_type: 'Bearer', expires_in: 3599, access_token: 't1' } };
    };
    return vendor;
  }
  const yaml = (origin: string, proof: string) => `credentials:
  graph: { provider: entra-assertion, base_url: "${origin}/acme", client_id: app, ${proof}, scope: "${scope}" }
routes:
  /graph: { credential: graph, upstream: "${origin}" }
`;

  test('a certificate beside the key is named in the header of the assertion', async () => {
    const { path, keyPath, remove } = rsaCertificate();
    const [cert, key] = [readFileSync(path, 'utf8'), readFileSync(keyPath, 'utf8')];
    remove();
    const { publicKey, raw } = new X509Certificate(cert);
    const thumbprint = Buffer.from(await crypto.subtle.digest('SHA-256', new Uint8Array(raw))).toString(
      'base64url',
    );
    const vendor = await startEntra(async (assertion) => {
      const audience = `${vendor.origin}/acme/oauth2/v2.0/token`;
      const { protectedHeader, payload } = await jwtVerify(assertion, publicKey, { audience });
      expect(protectedHeader).toEqual({ alg: 'PS256', typ: 'JWT', 'x5t#S256': thumbprint });
      expect(payload).toMatchObject({ iss: 'app', sub: 'app', jti: expect.any(String) });
      return true;
    });
    const proof = 'private_key: "${KEY}", signing_alg: PS256';
    const { url } = await proxy(yaml(vendor.origin, proof), { KEY: `${key}${cert}` });
    expect(await (await fetch(`${url}/graph/v1.0/users`)).json()).toEqual({ by: 'Bearer t1' });
  });

  test("another provider's token is sent as it is", async () => {
    const vendor = await startEntra(async (assertion) => assertion === 'token-of-the-cluster');
    const proof = 'client_assertion: "${FEDERATED}"';
    const { url } = await proxy(yaml(vendor.origin, proof), { FEDERATED: 'token-of-the-cluster' });
    expect(await (await fetch(`${url}/graph/v1.0/users`)).json()).toEqual({ by: 'Bearer t1' });
  });
});
