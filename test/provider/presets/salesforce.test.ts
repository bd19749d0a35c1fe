import { generateKeyPairSync } from 'node:crypto';
import { jwtVerify } from 'jose';
import { fetch } from 'undici';
import { describe, expect, test } from 'vitest';
import { proxy, startVendor } from './live.ts';
import { answered, clientCredentials, form, read, refused, request } from './page.ts';

const jwtBearer = 'urn:ietf:params:oauth:grant-type:jwt-bearer';

describe('salesforce', () => {
  const base_url = 'https://acme.my.salesforce.com';

  test('client credentials as a form at the My Domain, as on its page', () => {
    const client = { id: 'client-key', secret: 'client-secret' };
    expect(request('salesforce', { params: clientCredentials, client }, { base_url })).toEqual({
      method: 'POST',
      url: 'https://acme.my.salesforce.com/services/oauth2/token',
      headers: form,
      body: 'grant_type=client_credentials&client_id=client-key&client_secret=client-secret',
    });
    const params = { token: '00D...', token_type_hint: 'access_token' };
    expect(request('salesforce', { kind: 'revoke', params, client }, { base_url })).toEqual({
      method: 'POST',
      url: 'https://acme.my.salesforce.com/services/oauth2/revoke',
      headers: form,
      body: 'token=00D...',
    });
  });

  test('the answer of its page is read: it has no lifetime, and that is no news', () => {
    const body = {
      access_token: '00Dxx!AR8',
      signature: 'your_signature',
      scope: 'api',
      instance_url: 'https://acme.my.salesforce.com',
      id: 'https://login.salesforce.com/id/00D/005',
      token_type: 'Bearer',
      issued_at: '1699999999999',
    };
    const { result, attach } = read('salesforce', 200, body);
    expect(result).toEqual(answered({ lifetimeMs: 3_600_000, lifetimeKnown: false, warnings: [] }));
    expect(attach).toEqual(['Authorization', 'Bearer 00Dxx!AR8']);
  });

  test('its refusals', () => {
    const error = (code: string) => read('salesforce', 400, { error: code, error_description: '…' }).result;
    expect(error('invalid_client_id')).toEqual(refused({ kind: 'invalid_client' }));
    expect(error('invalid_client')).toEqual(refused({ kind: 'invalid_client' }));
    expect(error('invalid_grant')).toEqual(refused({ kind: 'invalid_grant' }));
    expect(error('unsupported_grant_type')).toEqual(refused({ kind: 'config' }));
  });

  test('a JWT is the grant, for login.salesforce.com, and a session that has ended is replaced', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    let issued = 0;
    let session = '';
    const vendor = await startVendor({});
    vendor.script = async (_, { url, form: sent, headers }) => {
      if (url === '/services/oauth2/token') {
        const checked = {
          audience: 'https://login.salesforce.com',
          issuer: 'consumer-key',
          subject: 'robot@acme.example',
        };
        const verified = await jwtVerify(sent.get('assertion') ?? '', publicKey, checked).catch(
          () => undefined,
        );
        if (!verified || sent.has('client_secret'))
          return { status: 400, json: { error: 'invalid_grant', error_description: 'audience is invalid' } };
        session = `00D!${++issued}`;
        return { json: { access_token: session, instance_url: vendor.origin, token_type: 'Bearer' } };
      }
      if (headers.authorization === `Bearer ${session}`) return { json: { by: session } };
      return {
        status: 401,
        json: [{ message: 'Session expired or invalid', errorCode: 'INVALID_SESSION_ID' }],
      };
    };
    const yaml = `credentials:
  crm: { provider: salesforce, grant_type: "${jwtBearer}", base_url: "${vendor.origin}", private_key: "\${KEY}", assertion_claims: { iss: consumer-key, sub: robot@acme.example } }
routes:
  /crm: { credential: crm }
`;
    const { url, clock } = await proxy(yaml, {
      KEY: String(privateKey.export({ type: 'pkcs8', format: 'pem' })),
    });
    expect(await (await fetch(`${url}/crm/services/data/v65.0/limits`)).json()).toEqual({ by: '00D!1' });
    session = 'ended';
    clock.advance(5_000);
    expect(await (await fetch(`${url}/crm/services/data/v65.0/limits`)).json()).toEqual({ by: '00D!2' });
  });
});
