import { createHmac, randomBytes, randomUUID } from 'node:crypto';
import { Codes } from './codes.ts';
import type { Ledger } from './ledger.ts';
import { Login, newUser, type User } from './login.ts';
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
import { startVendor } from './start-vendor.ts';
import { apiEndpoints, revError } from './vbrick-rev-api.ts';
import { KeyLogin } from './vbrick-rev-key.ts';
import type { Definition, OwnHandles, Vendor, VendorOptions } from './vendor.ts';

export interface VbrickRevVendor extends Vendor {
  /** Configured in the Rev client. */
  readonly redirectUri: string;
  /** Who can log in. */
  readonly user: User;
  /** Calls of /api/v2/authenticate, good and bad. */
  readonly loginAttempts: number;
  /** Whether too many of them were bad. */
  readonly locked: boolean;
  /** Sessions of /api/v2/authenticate extended. */
  readonly extensions: number;
  unlock(): void;
  /** The code a user's login sends to the redirect URI. Good for one session. */
  approve(redirectUri?: string): string;
}

interface Session {
  readonly authCode: string;
  readonly redirectUri: string;
  readonly userId: string;
  /** Milliseconds since the Unix epoch. */
  expiresAt: number;
}

const day = 86_400_000;
const verifierLifetime = 30 * 60_000;

/**
 * Vbrick Rev ("OAuth Access Token Request"): JSON in camelCase, no client secret, `expiration` as a time, tokens sent
 * as `Authorization: VBrick <token>`. A session lasts until its `expiration` and is extended with a refresh token that
 * stays the same; each extension ends the access token before it ("the full authorization string must be recalculated").
 * The table calls authCode and redirectUri required for an extension too, but Vbrick's own client leaves them out: here
 * they may be missing, not wrong. The page names its errors without a body.
 *
 * The login (`/api/v2/oauth/authorization`) wants its request signed with the secret of the API key, and its codes hold
 * a `+` that stands in the redirect as it is. What it says when it is cancelled is that of RFC 6749 §4.1.2.1. Rev has
 * one key for apps and another for each user's logins by `/api/v2/authenticate`; here one is both.
 */
export async function startVbrickRev(options: VendorOptions = {}): Promise<VbrickRevVendor> {
  const apiKey = randomBytes(8).toString('hex');
  const secret = randomBytes(24).toString('base64url');
  const user = newUser();
  const configuredUri = 'https://app.example.com/rev/callback';
  const firstRefreshToken = randomBytes(60).toString('base64url');
  const codes = new Codes<{ redirectUri: string }>(options.now ?? Date.now);
  const sessions = new Map<string, Session>();
  const approve = (redirectUri = configuredUri) => codes.issue({ redirectUri }, newCode());

  function define(ledger: Ledger, url: string): Definition<OwnHandles<VbrickRevVendor>> {
    sessions.set(firstRefreshToken, {
      authCode: newCode(),
      redirectUri: configuredUri,
      userId: randomUUID(),
      expiresAt: ledger.now() + day,
    });
    const keyLogin = new KeyLogin(apiKey, secret, ledger);
    const login = new Login({
      vendor: 'Rev',
      user,
      now: ledger.now,
      grant: ({ redirectUri }) => `auth_code=${approve(redirectUri)}`,
    });

    function authorizeApp(request: VendorRequest): Answer | Promise<Answer> {
      const query = readQuery(request);
      const redirectUri = query?.get('redirect_uri') ?? '';
      const verifier = query?.get('verifier') ?? '';
      const wrong =
        (query === undefined && 'A parameter is repeated.') ||
        (query?.get('apiKey') !== apiKey && 'The API key is not valid.') ||
        (!isRegistered(redirectUri, [configuredUri]) && 'redirect_uri is not the configured one.') ||
        (query?.get('response_type') !== 'code' && 'response_type must be code.') ||
        (!isCurrent(verifier, apiKey, ledger.now()) && 'The verifier is not valid or too old.') ||
        (query?.get('signature') !== sign(verifier, secret) && 'The signature is not valid.');
      if (wrong) return errorPage(400, 'This login cannot go on', wrong);
      return login.begin({ redirectUri, state: query?.get('state') });
    }

    function extend(refreshToken: string, session: Session): Answer {
      ledger.revokeWhere('session', refreshToken);
      const accessToken = randomBytes(84).toString('base64url');
      const { expiresAt } = ledger.issue(accessToken, { session: refreshToken, userId: session.userId });
      session.expiresAt = expiresAt;
      return {
        status: 200,
        json: {
          accessToken,
          refreshToken,
          userId: session.userId,
          expiration: new Date(expiresAt).toISOString(),
          issuedBy: 'VBrick',
        },
      };
    }

    function begin(authCode: string, redirectUri: string): Answer {
      const spent = codes.spend(authCode);
      if (spent === undefined || spent.again) return revError(401, 'authCode is not valid.');
      if (!isSameUri(redirectUri, spent.grant.redirectUri))
        return revError(401, 'redirectUri is not the one of the login.');
      const refreshToken = randomBytes(60).toString('base64url');
      const session = {
        authCode,
        redirectUri: spent.grant.redirectUri,
        userId: randomUUID(),
        expiresAt: 0,
      };
      sessions.set(refreshToken, session);
      return extend(refreshToken, session);
    }

    return {
      name: 'vbrick-rev',
      tokenPath: '/api/v2/oauth/token',
      env: () => ({
        REV_URL: url,
        REV_API_KEY: apiKey,
        REV_SECRET: secret,
        REV_REFRESH_TOKEN: firstRefreshToken,
      }),
      error: revError,
      endpoints: [
        { method: 'GET', path: /^\/api\/v2\/oauth\/authorization$/, open: true, answer: authorizeApp },
        login.endpoint,
        ...keyLogin.endpoints,
        ...apiEndpoints,
      ],
      logins: () => login.completed + keyLogin.completed,
      handles: {
        redirectUri: configuredUri,
        user,
        approve,
        get loginAttempts() {
          return keyLogin.attempts;
        },
        get locked() {
          return keyLogin.locked;
        },
        get extensions() {
          return keyLogin.extensions;
        },
        unlock: () => keyLogin.unlock(),
      },
      authorize: (request) =>
        ledger.find(schemeValue(request, 'VBrick')) ??
        revError(401, 'The session is not valid or has expired.'),

      token(request) {
        if (!hasMediaType(request, 'application/json'))
          return revError(415, 'The body must be application/json.');
        const body = readJson(request);
        if (body === undefined) return revError(400, 'The body must be a JSON object.');
        const extending = body.grantType === 'refresh_token';
        if (!extending && body.grantType !== 'authorization_code') {
          return revError(400, 'grantType must be authorization_code or refresh_token.');
        }
        for (const name of extending ? ['apiKey', 'refreshToken'] : ['apiKey', 'authCode', 'redirectUri']) {
          if (typeof body[name] !== 'string' || body[name] === '')
            return revError(400, `${name} is required.`);
        }
        if (body.apiKey !== apiKey) return revError(401, 'The API key is not valid.');
        if (!extending) return begin(String(body.authCode), String(body.redirectUri));
        const refreshToken = String(body.refreshToken);
        const session = sessions.get(refreshToken);
        if (session === undefined || session.expiresAt <= ledger.now()) {
          sessions.delete(refreshToken);
          return revError(401, 'The session is not valid or has expired.');
        }
        if (body.authCode !== undefined && body.authCode !== session.authCode) {
          return revError(401, 'authCode is not valid.');
        }
        if (body.redirectUri !== undefined && !isSameUri(String(body.redirectUri), session.redirectUri)) {
          return revError(401, 'redirectUri is not the one of the login.');
        }
        return extend(refreshToken, session);
      },
    };
  }

  return startVendor(3600, define, options);
}

/** Whether the verifier is `apiKey::time`, the time at most 30 minutes away. */
function isCurrent(verifier: string, apiKey: string, now: number): boolean {
  const [key, time = '', more] = verifier.split('::');
  if (key !== apiKey || more !== undefined) return false;
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/.test(time)) return false;
  return Math.abs(now - Date.parse(time)) <= verifierLifetime;
}

function sign(verifier: string, secret: string): string {
  return createHmac('sha256', secret).update(verifier).digest('base64');
}

/** "This value must be URL encoded", yet the page's example is not: both are taken. */
function isSameUri(given: string, uri: string): boolean {
  return given === uri || given.toLowerCase() === encodeURIComponent(uri).toLowerCase();
}

/** The alphabet of the page's example, and the plus of real ones. */
function newCode(): string {
  return `${randomBytes(63).toString('base64url')}+${randomBytes(18).toString('base64url')}`;
}
