import { fetch } from 'undici';
import { describe, expect, test } from 'vitest';
import { proxy, startVendor } from './live.ts';
import { answered, clientCredentials, form, read, refused, request } from './page.ts';

const base = 'https://acme.authentication.eu10.hana.ondemand.com';
const id = 'sb-app!b1234|service!b56';
const secret = 'a+b$c=';

describe('sap-xsuaa', () => {
  test('client credentials in the form, where a plus sign stays one', () => {
    const built = request('sap-xsuaa', { client: { id, secret } }, { base_url: base });
    expect(built).toMatchObject({ method: 'POST', url: `${base}/oauth/token`, headers: form });
    expect(Object.fromEntries(new URLSearchParams(built.body))).toEqual({
      ...clientCredentials,
      client_id: id,
      client_secret: secret,
    });
  });

  test('its answers: twelve hours, and a wrong secret', () => {
    const body = { access_token: 'a', token_type: 'bearer', expires_in: 43_199, scope: 'x', jti: 'j' };
    expect(read('sap-xsuaa', 200, body).result).toEqual(answered({ lifetimeMs: 43_199_000, warnings: [] }));
    for (const error of ['invalid_client', 'unauthorized']) {
      expect(read('sap-xsuaa', 401, { error, error_description: 'Bad credentials' }).result).toEqual(
        refused({ kind: 'invalid_client' }),
      );
    }
  });

  test('a call of an API that lies elsewhere', async () => {
    const vendor = await startVendor({
      'POST /oauth/token': ({ form, headers }) =>
        form.get('client_id') === id && form.get('client_secret') === secret && !headers.authorization
          ? { json: { access_token: 'at', token_type: 'bearer', expires_in: 43_199 } }
          : { status: 401, json: { error: 'unauthorized', error_description: 'Bad credentials' } },
    });
    const api = await startVendor({
      'GET /odata/v4/Books': ({ headers }) => ({ json: headers.authorization }),
    });
    const { url } = await proxy(
      `
credentials: { books: { provider: sap-xsuaa, base_url: "${vendor.origin}", client_id: "\${ID}", client_secret: "\${SECRET}" } }
routes: { /books: { credential: books, upstream: "${api.origin}/odata/v4" } }
`,
      { ID: id, SECRET: secret },
    );
    expect(await (await fetch(`${url}/books/Books`)).json()).toBe('Bearer at');
  });
});

describe('sap-xsuaa-x509', () => {
  test('client_id in the form, and the certificate on the connection', () => {
    const cert = 'https://acme.authentication.cert.eu10.hana.ondemand.com';
    const built = request('sap-xsuaa-x509', { client: { id } }, { base_url: cert });
    expect(built).toMatchObject({ url: `${cert}/oauth/token`, headers: form });
    expect(Object.fromEntries(new URLSearchParams(built.body))).toEqual({
      ...clientCredentials,
      client_id: id,
    });
  });

  test('a certificate is asked for', async () => {
    await expect(
      proxy(`
credentials: { c: { provider: sap-xsuaa-x509, base_url: "${base}", client_id: a } }
routes: { /c: { credential: c, upstream: "https://api.example" } }
`),
    ).rejects.toThrow('tls.cert and tls.key are missing');
  });
});
