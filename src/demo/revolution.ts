import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Ledger } from './ledger.ts';
import { type Answer, hasMediaType, readJson, schemeValue } from './message.ts';
import { startVendor } from './start-vendor.ts';
import type { Definition, Endpoint, Vendor, VendorOptions } from './vendor.ts';

export interface RevolutionVendor extends Vendor {
  /** Client of the PKCE flow; it has no secret. */
  readonly appId: string;
  /** The code a user's consent sends to the callback. `challenge`: RFC 7636 §4.2, S256. Good for one exchange. */
  approve(challenge: string, redirectUri: string): string;
}

interface Approval {
  readonly challenge: string;
  readonly redirectUri: string;
}

const devices = [
  { id: 'dev_1', name: 'Lobby display', online: true },
  { id: 'dev_2', name: 'Boiler room sensor', online: true },
  { id: 'dev_3', name: 'Gate controller', online: false },
];

/**
 * Revolution ("Authentication"): one JSON token endpoint for client credentials, PKCE codes and refresh tokens; 1 h
 * tokens; Bearer. The page shows no error: RFC 6749 §5.2 and RFC 6750 §3 are followed. Of the API it shows
 * GET /v1/devices alone; one device, its commands and the event stream are there to be proxied.
 */
export async function startRevolution(options: VendorOptions = {}): Promise<RevolutionVendor> {
  const client = {
    id: `svc_${randomBytes(8).toString('hex')}`,
    secret: randomBytes(24).toString('base64url'),
  };
  const appId = `app_${randomBytes(8).toString('hex')}`;
  const approvals = new Map<string, Approval>();
  const refreshTokens = new Set<string>();

  function exchangeCode(body: Readonly<Record<string, unknown>>): Answer | undefined {
    const approval = approvals.get(String(body.code));
    approvals.delete(String(body.code));
    if (body.client_id !== appId) return oauthError(401, 'invalid_client', 'Unknown client.');
    const challenge = createHash('sha256').update(String(body.code_verifier)).digest('base64url');
    if (approval?.challenge !== challenge || approval.redirectUri !== body.redirect_uri) {
      return oauthError(400, 'invalid_grant', 'The code, its verifier or the redirect URI is not valid.');
    }
    return undefined;
  }

  function define(ledger: Ledger): Definition {
    const issue = (refreshToken?: string): Answer => ({
      status: 200,
      headers: { 'Cache-Control': 'no-store' },
      json: {
        access_token: ledger.issue(`rev_${randomBytes(32).toString('base64url')}`).value,
        token_type: 'Bearer',
        expires_in: ledger.lifetime,
        ...(refreshToken === undefined ? {} : { refresh_token: refreshToken }),
      },
    });

    return {
      name: 'revolution',
      tokenPath: '/v1/auth/token',
      env: (url) => ({
        REVOLUTION_URL: `${url}/v1`,
        REVOLUTION_CLIENT_ID: client.id,
        REVOLUTION_CLIENT_SECRET: client.secret,
      }),
      error: (status, message) =>
        oauthError(status, status === 503 ? 'temporarily_unavailable' : 'invalid_request', message),
      endpoints,
      authorize: (request) =>
        ledger.find(schemeValue(request, 'Bearer')) ?? {
          ...oauthError(401, 'invalid_token', 'The access token is missing, expired or revoked.'),
          headers: { 'WWW-Authenticate': 'Bearer error="invalid_token"' },
        },

      token(request) {
        if (!hasMediaType(request, 'application/json')) {
          return oauthError(415, 'invalid_request', 'Content-Type must be application/json.');
        }
        const body = readJson(request);
        if (body === undefined) return oauthError(400, 'invalid_request', 'The body must be a JSON object.');
        switch (body.grant_type) {
          case 'client_credentials':
            if (body.client_id !== client.id || body.client_secret !== client.secret) {
              return oauthError(401, 'invalid_client', 'Unknown client or wrong secret.');
            }
            return issue();
          case 'refresh_token':
            // "Use the refresh_token returned by the exchange": the page says nothing of rotation, so it stays valid.
            if (body.client_id !== appId) return oauthError(401, 'invalid_client', 'Unknown client.');
            if (!refreshTokens.has(String(body.refresh_token))) {
              return oauthError(400, 'invalid_grant', 'The refresh token is not valid.');
            }
            return issue();
          case undefined:
          case 'authorization_code': {
            // The page's exchange sends no grant_type.
            if (body.code === undefined)
              return oauthError(400, 'invalid_request', 'grant_type or code is required.');
            const refusal = exchangeCode(body);
            if (refusal !== undefined) return refusal;
            const refreshToken = randomBytes(32).toString('base64url');
            refreshTokens.add(refreshToken);
            return issue(refreshToken);
          }
          default:
            return oauthError(400, 'unsupported_grant_type', 'This grant type is not supported.');
        }
      },
    };
  }

  return Object.assign(await startVendor(3600, define, options), {
    appId,
    approve(challenge: string, redirectUri: string) {
      const code = randomBytes(16).toString('base64url');
      approvals.set(code, { challenge, redirectUri });
      return code;
    },
  });
}

const endpoints: readonly Endpoint[] = [
  { method: 'GET', path: /^\/v1\/devices$/, answer: () => ({ status: 200, json: devices }) },
  {
    method: 'GET',
    path: /^\/v1\/devices\/(\w+)$/,
    answer(_request, _token, [id]) {
      const device = devices.find((one) => one.id === id);
      return device ? { status: 200, json: device } : oauthError(404, 'not_found', 'No such device.');
    },
  },
  {
    method: 'POST',
    path: /^\/v1\/devices\/(\w+)\/commands$/,
    answer(request, _token, [id]) {
      const body = hasMediaType(request, 'application/json') ? readJson(request) : undefined;
      if (typeof body?.command !== 'string')
        return oauthError(400, 'invalid_request', 'command is required.');
      return { status: 202, json: { id: randomUUID(), device: id, command: body.command, state: 'queued' } };
    },
  },
  {
    method: 'GET',
    path: /^\/v1\/events$/,
    answer: ({ query }) => ({
      status: 200,
      headers: { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache' },
      stream: events(numberOf(query.get('count'), 3), numberOf(query.get('interval'), 100)),
    }),
  },
];

/** `count` server-sent events, `interval` milliseconds apart, the first at once. */
async function* events(count: number, interval: number): AsyncGenerator<string> {
  for (let i = 0; i < count; i++) {
    if (i > 0) await sleep(interval);
    const device = devices[i % devices.length];
    yield `id: ${i + 1}\nevent: device\ndata: ${JSON.stringify(device)}\n\n`;
  }
}

function numberOf(text: string | null, fallback: number): number {
  const value = Number(text ?? fallback);
  return Number.isSafeInteger(value) && value >= 0 ? value : fallback;
}

function oauthError(status: number, error: string, description: string): Answer {
  return { status, json: { error, error_description: description } };
}
