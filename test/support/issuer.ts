import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import Provider from 'oidc-provider';

export interface TokenCall {
  readonly params: Readonly<Record<string, unknown>>;
  readonly ok: boolean;
}

/** oidc-provider on loopback, with a public client that must use PKCE and comes back to any loopback port. */
export interface Issuer {
  readonly url: string;
  readonly clientId: string;
  readonly tokenCalls: TokenCall[];
  /** What a browser does whose person logs in and consents: the address that it ends at. */
  approve(loginUrl: string): Promise<string>;
  close(): Promise<void>;
}

const clientId = 'desk';

export async function startIssuer(): Promise<Issuer> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const key = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' });
  const provider = new Provider(url, {
    clients: [
      {
        client_id: clientId,
        application_type: 'native',
        token_endpoint_auth_method: 'none',
        grant_types: ['authorization_code', 'refresh_token'],
        redirect_uris: ['http://127.0.0.1/callback'],
      },
    ],
    pkce: { required: () => true },
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_ctx, { uid }) => `/interaction/${uid}` },
    rotateRefreshToken: true,
    issueRefreshToken: async () => true,
    findAccount: (_ctx, accountId) => ({ accountId, claims: () => ({ sub: accountId }) }),
    ttl: {
      AccessToken: 600,
      AuthorizationCode: 60,
      RefreshToken: 86_400,
      Grant: 86_400,
      Session: 600,
      Interaction: 600,
    },
    jwks: { keys: [{ ...key, use: 'sig' }] },
    cookies: { keys: ['test'] },
  });
  const tokenCalls: TokenCall[] = [];
  provider.on('grant.success', (ctx) => tokenCalls.push({ params: { ...ctx.oidc.params }, ok: true }));
  provider.on('grant.error', (ctx) => tokenCalls.push({ params: { ...ctx.oidc.params }, ok: false }));
  const answer = provider.callback();
  server.on('request', async (request, response) => {
    if (!request.url?.startsWith('/interaction/')) return answer(request, response);
    const { prompt, params } = await provider.interactionDetails(request, response);
    if (prompt.name === 'login') {
      return provider.interactionFinished(request, response, { login: { accountId: 'someone' } });
    }
    const grant = new provider.Grant({ accountId: 'someone', clientId: String(params.client_id) });
    grant.addOIDCScope(String(params.scope ?? ''));
    return provider.interactionFinished(request, response, { consent: { grantId: await grant.save() } });
  });
  return {
    url,
    clientId,
    tokenCalls,
    async approve(loginUrl) {
      const cookies = new Map<string, string>();
      for (let at = loginUrl, hops = 0; hops < 10; hops++) {
        const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
        const response = await fetch(at, { redirect: 'manual', headers: { cookie } });
        for (const set of response.headers.getSetCookie()) {
          const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(set) ?? [];
          cookies.set(name, value);
        }
        const location = response.headers.get('location');
        if (location === null) throw new Error(`no redirect: ${response.status} ${await response.text()}`);
        at = new URL(location, at).href;
        if (!at.startsWith(`${url}/`)) return location;
      }
      throw new Error('too many redirects');
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
