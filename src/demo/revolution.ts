import { createHash, randomBytes } from 'node:crypto';
import { Codes } from './codes.ts';
import type { Ledger } from './ledger.ts';
import { type Asked, Login, newUser, type User } from './login.ts';
import { errorPage } from './login-page.ts';
import {
  type Answer,
  hasMediaType,
  readJson,
  readQuery,
  schemeValue,
  type VendorRequest,
} from './message.ts';
import { isRegistered } from './redirect.ts';
import { apiEndpoints, oauthError } from './revolution-api.ts';
import { deviceHub } from './revolution-hub.ts';
import { hubEndpoints } from './signalr.ts';
import { startVendor } from './start-vendor.ts';
import type { Definition, OwnHandles, Vendor, VendorOptions } from './vendor.ts';

export interface RevolutionVendor extends Vendor {
  /** Client of the PKCE flow; it has no secret. */
  readonly appId: string;
  /** Who can log in. */
  readonly user: User;
  /** What `iss` says in the answers of a login. */
  readonly issuer: string;
  /** The code a user's consent sends to the callback. `challenge`: RFC 7636 §4.2, S256. Good for one exchange. */
  approve(challenge: string, redirectUri: string): string;
}

interface AppRequest extends Asked {
  readonly challenge: string;
  readonly scope: string | undefined;
}

/** What a code stands for. `session` marks all that comes of it. */
interface Grant {
  readonly session: string;
  readonly challenge: string;
  readonly redirectUri: string;
}

const redirectUris = ['https://app.example.com/callback'];

/**
 * Revolution ("Authentication"): one JSON token endpoint for client credentials, PKCE codes and refresh tokens; 1 h
 * tokens; Bearer. The page shows no error: RFC 6749 §5.2 and RFC 6750 §3 are followed. Of the API it shows
 * GET /v1/devices alone; one device, its commands, the event stream and the hub are there to be proxied. SignalR "needs a
 * bearer token", sent "as a bearer header on every subsequent request": a token in the query lets nobody in.
 *
 * The page names no address for "the authorization endpoint": here it is /v1/auth/authorize, after the token endpoint.
 * It answers as RFC 6749 §4.1, RFC 7636 (S256 or nothing) and RFC 9207 say; any scope is taken, as the page lists none.
 */
export async function startRevolution(options: VendorOptions = {}): Promise<RevolutionVendor> {
  const client = {
    id: `svc_${randomBytes(8).toString('hex')}`,
    secret: randomBytes(24).toString('base64url'),
  };
  const appId = `app_${randomBytes(8).toString('hex')}`;
  const user = newUser();
  const codes = new Codes<Grant>(options.now ?? Date.now);
  const refreshTokens = new Map<string, string>();

  function approve(challenge: string, redirectUri: string): string {
    return codes.issue({ session: randomBytes(8).toString('hex'), challenge, redirectUri });
  }

  function define(ledger: Ledger, url: string): Definition<OwnHandles<RevolutionVendor>> {
    const login = new Login<AppRequest>({
      vendor: 'Revolution',
      user,
      now: ledger.now,
      issuer: url,
      question: ({ scope, redirectUri }) => ({
        title: 'Allow access?',
        lines: [
          `${appId} wants to act for you, and will be told so at ${new URL(redirectUri).host}.`,
          `Scope: ${scope ?? 'the default'}`,
        ],
      }),
      grant: ({ challenge, redirectUri }) => `code=${approve(challenge, redirectUri)}`,
    });

    function authorizeApp(request: VendorRequest): Answer | Promise<Answer> {
      const query = readQuery(request);
      const redirectUri = query?.get('redirect_uri') ?? '';
      if (query?.get('client_id') !== appId || !isRegistered(redirectUri, redirectUris)) {
        const what = 'The app or the address it wants you back at is not known here, or named twice.';
        return errorPage(400, 'This login cannot go on', what);
      }
      const asked = { redirectUri, state: query.get('state') };
      const challenge = query.get('code_challenge') ?? '';
      if (query.get('response_type') !== 'code') {
        return login.fail(
          asked,
          query.has('response_type') ? 'unsupported_response_type' : 'invalid_request',
        );
      }
      if (query.get('code_challenge_method') !== 'S256' || !/^[\w-]{43}$/.test(challenge)) {
        return login.fail(asked, 'invalid_request');
      }
      return login.begin({ ...asked, challenge, scope: query.get('scope') });
    }

    function issue(session?: string, refreshToken?: string): Answer {
      const value = `rev_${randomBytes(32).toString('base64url')}`;
      return {
        status: 200,
        headers: { 'Cache-Control': 'no-store' },
        json: {
          access_token: ledger.issue(value, session === undefined ? {} : { session }).value,
          token_type: 'Bearer',
          expires_in: ledger.lifetime,
          ...(refreshToken === undefined ? {} : { refresh_token: refreshToken }),
        },
      };
    }

    function exchangeCode(body: Readonly<Record<string, unknown>>): Answer {
      if (body.client_id !== appId) return oauthError(401, 'invalid_client', 'Unknown client.');
      const spent = codes.spend(body.code);
      const challenge = createHash('sha256').update(String(body.code_verifier)).digest('base64url');
      if (spent?.again) endSession(spent.grant.session);
      if (
        spent === undefined ||
        spent.again ||
        spent.grant.challenge !== challenge ||
        spent.grant.redirectUri !== body.redirect_uri
      ) {
        return oauthError(400, 'invalid_grant', 'The code, its verifier or the redirect URI is not valid.');
      }
      const refreshToken = randomBytes(32).toString('base64url');
      refreshTokens.set(refreshToken, spent.grant.session);
      return issue(spent.grant.session, refreshToken);
    }

    function endSession(session: string): void {
      ledger.revokeWhere('session', session);
      for (const [token, of] of refreshTokens) if (of === session) refreshTokens.delete(token);
    }

    function refresh(body: Readonly<Record<string, unknown>>): Answer {
      if (body.client_id !== appId) return oauthError(401, 'invalid_client', 'Unknown client.');
      // "Use the refresh_token returned by the exchange": the page says nothing of rotation, so it stays valid.
      const session = refreshTokens.get(String(body.refresh_token));
      if (session === undefined) return oauthError(400, 'invalid_grant', 'The refresh token is not valid.');
      return issue(session);
    }

    return {
      name: 'revolution',
      tokenPath: '/v1/auth/token',
      env: () => ({
        REVOLUTION_URL: `${url}/v1`,
        REVOLUTION_CLIENT_ID: client.id,
        REVOLUTION_CLIENT_SECRET: client.secret,
        REVOLUTION_APP_ID: appId,
      }),
      error: (status, message) =>
        oauthError(status, status === 503 ? 'temporarily_unavailable' : 'invalid_request', message),
      endpoints: [
        { method: 'GET', path: /^\/v1\/auth\/authorize$/, open: true, answer: authorizeApp },
        login.endpoint,
        ...apiEndpoints,
        ...hubEndpoints('/v1/hubs/devices', deviceHub()),
      ],
      logins: () => login.completed,
      handles: { appId, user, issuer: url, approve },
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
            return refresh(body);
          case undefined:
          case 'authorization_code':
            // The page's exchange sends no grant_type.
            if (body.code === undefined)
              return oauthError(400, 'invalid_request', 'grant_type or code is required.');
            return exchangeCode(body);
          default:
            return oauthError(400, 'unsupported_grant_type', 'This grant type is not supported.');
        }
      },
    };
  }

  return startVendor(3600, define, options);
}
