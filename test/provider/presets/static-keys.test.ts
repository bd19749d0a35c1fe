import { fetch } from 'undici';
import { describe, expect, test } from 'vitest';
import { proxy, startVendor } from './live.ts';

const account = 'AC0123456789abcdef';

/** What the upstream gets in a call with this credential and provider entries. */
async function sent(credential: string, providers = '') {
  const vendor = await startVendor({ 'GET /x': ({ headers }) => ({ json: headers }) });
  const { url } = await proxy(`
providers: { ${providers} }
credentials: { c: { grant_type: static, ${credential} } }
routes: { /c: { credential: c, upstream: "${vendor.origin}" } }
`);
  return (await fetch(`${url}/c/x`, { headers: { 'x-api-key': 'from the caller' } })).json();
}

describe('presets of static keys', () => {
  test('twilio: Account SID and Auth Token, as by curl -u; what is wrong is its own 401', async () => {
    const vendor = await startVendor({
      [`GET /2010-04-01/Accounts/${account}.json`]: ({ headers }) =>
        headers.authorization === `Basic ${btoa(`${account}:tok`)}`
          ? { json: { sid: account } }
          : { status: 401, json: { code: 20003, message: 'Authenticate', status: 401 } },
    });
    const one = (name: string, secret: string) =>
      `  ${name}: { provider: twilio, base_url: "${vendor.origin}", grant_type: static, client_id: ${account}, client_secret: ${secret} }`;
    const { url } = await proxy(`
credentials:
${one('good', 'tok')}
${one('bad', 'other')}
routes: { /good: { credential: good }, /bad: { credential: bad } }
`);
    const get = (path: string) => fetch(`${url}${path}/2010-04-01/Accounts/${account}.json`);
    expect(await (await get('/good')).json()).toEqual({ sid: account });
    const refused = await get('/bad');
    expect([refused.status, await refused.json()]).toEqual([401, expect.objectContaining({ code: 20003 })]);
  });

  test('basic-key', async () => {
    expect(await sent('provider: basic-key, client_id: me, client_secret: "p:w"')).toMatchObject({
      authorization: `Basic ${btoa('me:p:w')}`,
    });
  });

  test('bearer-key', async () => {
    expect(await sent('provider: bearer-key, token: sk_live_1')).toMatchObject({
      authorization: 'Bearer sk_live_1',
    });
  });

  test('api-key takes the place of what the caller sends there', async () => {
    expect(await sent('provider: api-key, token: k')).toMatchObject({ 'x-api-key': 'k' });
  });

  test('api-key with another field', async () => {
    const seen = await sent(
      'provider: a, token: k',
      'a: { extends: api-key, attach: { header: PRIVATE-TOKEN } }',
    );
    expect(seen).toMatchObject({ 'private-token': 'k' });
  });
});
