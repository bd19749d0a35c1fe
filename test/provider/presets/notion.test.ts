import { fetch } from 'undici';
import { describe, expect, test } from 'vitest';
import { proxy, startVendor } from './live.ts';
import { answered, json, login, read, refused, request } from './page.ts';

const client = { id: 'Client_ID', secret: 'Client_Secret' };
const authorization = 'Basic Q2xpZW50X0lEOkNsaWVudF9TZWNyZXQ=';
const token = {
  access_token: 'ntn_1',
  token_type: 'bearer',
  refresh_token: 'nrt_1',
  bot_id: '3c90c3cc-0d44-4b50-8888-8dd25736052a',
  workspace_id: '3c90c3cc-0d44-4b50-8888-8dd25736052a',
  owner: { type: 'user' },
};

describe('notion', () => {
  test('a code is exchanged by HTTP Basic with JSON and a version, as on its page', () => {
    const params = {
      grant_type: 'authorization_code',
      code: 'e202e8c9',
      redirect_uri: 'https://example.com/callback',
    };
    expect(request('notion', { kind: 'exchange', params, client })).toEqual({
      method: 'POST',
      url: 'https://api.notion.com/v1/oauth/token',
      headers: [...json, ['authorization', authorization], ['Notion-Version', '2025-09-03']],
      body: JSON.stringify(params),
    });
  });

  test('the login page is told that a user owns the token', () => {
    expect(
      login('notion', {
        params: { redirect_uri: 'https://example.com/callback', code_challenge: 'c1' },
        client,
      }),
    ).toEqual({
      page: 'https://api.notion.com/v1/oauth/authorize',
      params: {
        response_type: 'code',
        client_id: 'Client_ID',
        redirect_uri: 'https://example.com/callback',
        owner: 'user',
      },
    });
  });

  test('its answers', () => {
    expect(read('notion', 200, token).result).toEqual(
      answered({ lifetimeMs: 86_400_000, lifetimeKnown: false, refreshToken: 'nrt_1', warnings: [] }),
    );
    const error = (status: number, code: string) =>
      read('notion', status, { object: 'error', status, code, message: '…' }).result;
    expect(error(400, 'invalid_grant')).toEqual(refused({ kind: 'invalid_grant' }));
    expect(error(401, 'unauthorized')).toEqual(refused({ kind: 'invalid_client' }));
    expect(error(400, 'missing_version')).toEqual(refused({ kind: 'config' }));
  });

  test('a refresh before the first call, and the version that the route says', async () => {
    const vendor = await startVendor({
      'POST /v1/oauth/token': ({ body, headers }) => {
        const isWhole = headers['notion-version'] !== undefined && headers.authorization === authorization;
        const isGood = JSON.parse(body).refresh_token === 'nrt_0';
        return isWhole && isGood ? { json: token } : { status: 400, json: { code: 'invalid_grant' } };
      },
      'GET /v1/users/me': ({ headers: { authorization: by, 'notion-version': version } }) => ({
        json: { by, version },
      }),
    });
    const yaml = `credentials:
  notion: { provider: notion, grant_type: refresh_token, base_url: "${vendor.origin}", client_id: Client_ID, client_secret: "\${SECRET}", refresh_token: nrt_0 }
routes:
  /notion: { credential: notion, headers: { set: { Notion-Version: "2022-06-28" } } }
`;
    const { url } = await proxy(yaml, { SECRET: 'Client_Secret' });
    expect(await (await fetch(`${url}/notion/v1/users/me`)).json()).toEqual({
      by: 'Bearer ntn_1',
      version: '2022-06-28',
    });
  });
});
