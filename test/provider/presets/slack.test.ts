import { fetch } from 'undici';
import { describe, expect, test } from 'vitest';
import type { RefusalKind } from '../../../src/provider/refusal.ts';
import { proxy, startVendor } from './live.ts';
import { answered, form, login, read, refused, request } from './page.ts';

const client = { id: '4b39e9-752c4', secret: '33fea0113f5b1' };
const authorization = 'Basic NGIzOWU5LTc1MmM0OjMzZmVhMDExM2Y1YjE=';

describe('slack', () => {
  test('a refresh by HTTP Basic with a form', () => {
    const params = { grant_type: 'refresh_token', refresh_token: 'xoxe-1-abcdefg' };
    expect(request('slack', { kind: 'refresh', params, client })).toEqual({
      method: 'POST',
      url: 'https://slack.com/api/oauth.v2.access',
      headers: [...form, ['authorization', authorization]],
      body: 'grant_type=refresh_token&refresh_token=xoxe-1-abcdefg',
    });
  });

  test('a login without challenge', () => {
    const params = {
      scope: 'chat:write,channels:read',
      redirect_uri: 'https://proxy.acme.example/login/slack',
    };
    expect(login('slack', { params: { ...params, code_challenge: 'c1' }, client })).toEqual({
      page: 'https://slack.com/oauth/v2/authorize',
      params: { response_type: 'code', client_id: '4b39e9-752c4', ...params },
    });
  });

  test("the bot's token is read, not that of the user", () => {
    const body = {
      ok: true,
      access_token: 'xoxe.xoxb-1-token',
      token_type: 'bot',
      expires_in: 43200,
      refresh_token: 'xoxe-1-next',
      team: { id: 'T9TK3CUKW' },
      authed_user: { id: 'U1234', access_token: 'xoxe.xoxp-1-user', refresh_token: 'xoxe-1-user' },
    };
    const { result, attach } = read('slack', 200, body);
    expect(result).toEqual(answered({ lifetimeMs: 43_200_000, refreshToken: 'xoxe-1-next', warnings: [] }));
    expect(attach).toEqual(['Authorization', 'Bearer xoxe.xoxb-1-token']);
  });

  test.each<[string, RefusalKind]>([
    ['invalid_refresh_token', 'invalid_grant'],
    ['invalid_code', 'invalid_grant'],
    ['bad_client_secret', 'invalid_client'],
    ['invalid_client_id', 'invalid_client'],
    ['ratelimited', 'transient'],
    ['internal_error', 'transient'],
    ['something_new', 'bad_answer'],
  ])('200 with %s is %s', (error, kind) => {
    expect(read('slack', 200, { ok: false, error }).result).toEqual(refused({ kind }));
  });

  test('every refresh brings the next refresh token, which is sent the next time', async () => {
    const spent: (string | null)[] = [];
    const vendor = await startVendor({
      'POST /api/oauth.v2.access': ({ form: sent, headers }) => {
        const token = sent.get('refresh_token');
        const isNext = token === `xoxe-1-${spent.length}` && headers.authorization === authorization;
        if (!isNext) return { json: { ok: false, error: 'invalid_refresh_token' } };
        spent.push(token);
        const access_token = `xoxe.xoxb-1-${spent.length}`;
        return {
          json: {
            ok: true,
            access_token,
            token_type: 'bot',
            expires_in: 43_200,
            refresh_token: `xoxe-1-${spent.length}`,
          },
        };
      },
      'POST /api/chat.postMessage': ({ headers }) => ({ json: { ok: true, by: headers.authorization } }),
    });
    const yaml = `credentials:
  slack: { provider: slack, grant_type: refresh_token, base_url: "${vendor.origin}/api", client_id: ${client.id}, client_secret: "\${SECRET}", refresh_token: "\${SEED}" }
routes:
  /slack: { credential: slack }
`;
    const { url, clock } = await proxy(yaml, { SECRET: client.secret, SEED: 'xoxe-1-0' });
    const post = async () => (await fetch(`${url}/slack/chat.postMessage`, { method: 'POST' })).json();
    expect(await post()).toEqual({ ok: true, by: 'Bearer xoxe.xoxb-1-1' });
    clock.advance(43_300_000);
    expect(await post()).toEqual({ ok: true, by: 'Bearer xoxe.xoxb-1-2' });
    expect(spent).toEqual(['xoxe-1-0', 'xoxe-1-1']);
  });
});
