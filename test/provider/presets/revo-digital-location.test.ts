import { describe, expect, test } from 'vitest';
import { answered, clientCredentials, form, read, refused, request } from './page.ts';

describe('revo-digital-location', () => {
  const input = {
    params: { ...clientCredentials, scope: 'contacts.readonly' },
    client: { id: 'unused', secret: 'unused' },
    fields: ['Authorization', 'Bearer company-token'],
  };
  const credentialParams = { companyId: '5DP41231LkQsiKESj6rh' };

  test("a company's token is exchanged for that of the location its tenant names", () => {
    const placeholders = { tenant: 've9EPM428h8vShlRW1KT' };
    expect(request('revo-digital-location', { ...input, credentialParams, placeholders })).toEqual({
      method: 'POST',
      url: 'https://services.leadconnectorhq.com/oauth/locationToken',
      headers: [...form, ['Authorization', 'Bearer company-token'], ['Version', '2021-07-28']],
      body: 'locationId=ve9EPM428h8vShlRW1KT&companyId=5DP41231LkQsiKESj6rh',
    });
  });

  test('without tenants the location comes from the credential', () => {
    const params = { ...credentialParams, locationId: 'l1' };
    expect(request('revo-digital-location', { ...input, credentialParams: params }).body).toBe(
      'companyId=5DP41231LkQsiKESj6rh&locationId=l1',
    );
  });

  test('its answers are those of revo-digital', () => {
    const body = { access_token: 'tok', token_type: 'Bearer', expires_in: 86399, locationId: 'l1' };
    expect(read('revo-digital-location', 201, body).result).toEqual(
      answered({ lifetimeMs: 86_399_000, refreshToken: undefined, warnings: [] }),
    );
    const inactive = { statusCode: 400, message: 'Location is not active' };
    expect(read('revo-digital-location', 400, inactive).result).toEqual(refused({ kind: 'transient' }));
  });
});
