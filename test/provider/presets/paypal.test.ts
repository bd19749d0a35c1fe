import { fetch } from 'undici';
import { describe, expect, test } from 'vitest';
import { proxy, startVendor } from './live.ts';
import { answered, form, read, refused, request } from './page.ts';

describe('paypal', () => {
  const client = { id: 'AX', secret: 'EK' };
  const authorization = `Basic ${btoa('AX:EK')}`;

  test('client credentials by HTTP Basic, as on its page; the sandbox is another base_url', () => {
    const at = (base_url?: string) => request('paypal', { client }, { base_url });
    expect(at()).toEqual({
      method: 'POST',
      url: 'https://api-m.paypal.com/v1/oauth2/token',
      headers: [...form, ['authorization', authorization]],
      body: 'grant_type=client_credentials',
    });
    expect(at('https://api-m.sandbox.paypal.com').url).toBe(
      'https://api-m.sandbox.paypal.com/v1/oauth2/token',
    );
  });

  test('the answers of its page', () => {
    const body = {
      scope: 'scope',
      access_token: 'A21AA',
      token_type: 'Bearer',
      app_id: 'APP-80W284485P519543T',
      expires_in: 31_349,
      nonce: 'nonce',
    };
    const { result, attach } = read('paypal', 200, body);
    expect(result).toEqual(answered({ lifetimeMs: 31_349_000, refreshToken: undefined, warnings: [] }));
    expect(attach).toEqual(['Authorization', 'Bearer A21AA']);
    const error_description = 'Client Authentication failed';
    expect(read('paypal', 401, { error: 'invalid_client', error_description }).result).toEqual(
      refused({ kind: 'invalid_client' }),
    );
  });

  test('a call whose token the API no longer takes gets another, once', async () => {
    let issued = 0;
    const vendor = await startVendor({
      'POST /v1/oauth2/token': ({ headers, body }) =>
        headers.authorization === authorization && body === 'grant_type=client_credentials'
          ? { json: { access_token: `at-${++issued}`, token_type: 'Bearer', expires_in: 32_400 } }
          : { status: 401, json: { error: 'invalid_client' } },
      'GET /v2/checkout/orders/1': ({ headers }) =>
        headers.authorization === 'Bearer at-1' && issued === 1 && vendor.calls.length > 2
          ? { status: 401, json: { error: 'invalid_token' } }
          : { json: headers.authorization },
    });
    const { url, clock } = await proxy(`
credentials: { pay: { provider: paypal, base_url: "${vendor.origin}", client_id: AX, client_secret: EK } }
routes: { /pay: { credential: pay } }
`);
    const get = async () => {
      const answer = await fetch(`${url}/pay/v2/checkout/orders/1`);
      return [answer.status, await answer.json()];
    };
    expect(await get()).toEqual([200, 'Bearer at-1']);
    clock.advance(3_000);
    expect(await get()).toEqual([200, 'Bearer at-2']);
    expect(issued).toBe(2);
  });
});
