import { randomBytes } from 'node:crypto';
import { jwtLike } from './jwt-like.ts';
import type { Ledger } from './ledger.ts';
import { type Answer, hasMediaType, readForm, schemeValue } from './message.ts';
import { startVendor } from './start-vendor.ts';
import type { Definition, Endpoint, Vendor, VendorOptions } from './vendor.ts';

export interface RevoDigitalVendor extends Vendor {
  readonly redirectUri: string;
  /** The code a user's consent sends to the redirect URI. Good for one exchange. */
  approve(): string;
}

/** Everything that comes of one consent. */
interface Family {
  readonly id: string;
  readonly userType: UserType;
  refreshToken: string;
}

type UserType = 'Company' | 'Location';

const versions = new Set(['2021-04-15', '2021-07-28']);
const locationId = 've9EPM428h8vShlRW1KT';
const companyId = '5DP41231LkQsiKESj6rh';
const scope = 'contacts.readonly contacts.write';

/**
 * Revo Digital ("Get Access Token"): form, client secret in the body, `user_type`, 24 h tokens, single-use refresh
 * tokens, and a `Version` field on every API call. Stricter than the page in two ways: `user_type` must always be
 * there, and a refresh token that comes twice ends everything it led to (RFC 9700 §4.14.2). Errors are not those of
 * RFC 6749; a missing `Version` is answered 401, as the vendor does, although no new token would help.
 */
export async function startRevoDigital(options: VendorOptions = {}): Promise<RevoDigitalVendor> {
  const client = { id: `${randomBytes(12).toString('hex')}-demo`, secret: randomBytes(18).toString('hex') };
  const redirectUri = 'https://app.example.com/callback';
  const approvals = new Set<string>();
  const families = new Map<string, Family>();
  const first = newFamily('Location');

  function newFamily(userType: UserType): Family {
    const family = { id: randomBytes(8).toString('hex'), userType, refreshToken: newRefreshToken() };
    families.set(family.refreshToken, family);
    return family;
  }

  function define(ledger: Ledger): Definition {
    function issue({ id, userType, refreshToken }: Family): Answer {
      const value = jwtLike({
        authClass: userType,
        authClassId: locationId,
        exp: ledger.now() / 1000 + ledger.lifetime,
      });
      ledger.issue(value, { family: id, userType });
      return {
        status: 200,
        json: {
          access_token: value,
          token_type: 'Bearer',
          expires_in: ledger.lifetime,
          refresh_token: refreshToken,
          scope,
          ...(userType === 'Location' ? { locationId } : {}),
          companyId,
          approvedLocations: [locationId],
          userId: 'usr_abc123',
          planId: 'plan_xyz789',
          ...(userType === 'Company' ? { installToFutureLocations: true, approvedAllLocations: false } : {}),
        },
      };
    }

    function refresh(value: string | undefined): Answer {
      const family = value === undefined ? undefined : families.get(value);
      if (family !== undefined && family.refreshToken === value) {
        family.refreshToken = newRefreshToken();
        families.set(family.refreshToken, family);
        return issue(family);
      }
      if (family !== undefined) {
        family.refreshToken = '';
        ledger.revokeWhere('family', family.id);
      }
      return nestError(400, 'Invalid grant: refresh token is invalid');
    }

    return {
      name: 'revo-digital',
      tokenPath: '/oauth/token',
      env: (url) => ({
        REVO_DIGITAL_URL: url,
        REVO_DIGITAL_CLIENT_ID: client.id,
        REVO_DIGITAL_CLIENT_SECRET: client.secret,
        REVO_DIGITAL_REFRESH_TOKEN: first.refreshToken,
      }),
      error: nestError,
      endpoints,

      authorize(request) {
        const token = ledger.find(schemeValue(request, 'Bearer'));
        if (token === undefined) return nestError(401, 'Invalid JWT');
        const version = request.headers.version;
        if (version === undefined) return nestError(401, 'version header was not found.');
        if (!versions.has(String(version))) return nestError(401, 'version header is invalid');
        return token;
      },

      token(request) {
        if (!hasMediaType(request, 'application/x-www-form-urlencoded')) {
          return nestError(415, 'Content-Type must be application/x-www-form-urlencoded');
        }
        const form = readForm(request);
        if (form === undefined) return nestError(400, 'A parameter is repeated');
        const wrong = ['client_id', 'client_secret', 'grant_type', 'user_type']
          .filter((name) => !form.has(name))
          .map((name) => `${name} should not be empty`);
        const userType = form.get('user_type');
        if (wrong.length > 0) return validationError(wrong);
        if (userType !== 'Company' && userType !== 'Location') {
          return validationError(['user_type must be a valid enum value']);
        }
        if (request.authorization.length > 0)
          return nestError(401, 'Invalid client: credentials belong in the body');
        if (form.get('client_id') !== client.id || form.get('client_secret') !== client.secret) {
          return nestError(401, 'Invalid client credentials');
        }
        switch (form.get('grant_type')) {
          case 'client_credentials':
            return issue(newFamily(userType));
          case 'refresh_token':
            return refresh(form.get('refresh_token'));
          case 'authorization_code':
            if (form.get('redirect_uri') !== redirectUri) return nestError(400, 'Invalid redirect_uri');
            if (!approvals.delete(form.get('code') ?? '')) {
              return nestError(400, 'Invalid grant: authorization code is invalid');
            }
            return issue(newFamily(userType));
          default:
            return validationError(['grant_type must be a valid enum value']);
        }
      },
    };
  }

  return Object.assign(await startVendor(86_400, define, options), {
    redirectUri,
    approve() {
      const code = randomBytes(20).toString('hex');
      approvals.add(code);
      return code;
    },
  });
}

const contacts = [
  { id: 'con_1', locationId, firstName: 'First', tags: ['customer'] },
  { id: 'con_2', locationId, firstName: 'Second', tags: [] },
];

const endpoints: readonly Endpoint[] = [
  {
    method: 'GET',
    path: /^\/contacts\/$/,
    answer({ query }, token) {
      const wanted = query.get('locationId') ?? locationId;
      if (wanted !== locationId || token.facts.userType !== 'Location') {
        return nestError(403, 'The token does not have access to this location.');
      }
      return { status: 200, json: { contacts, count: contacts.length } };
    },
  },
];

function newRefreshToken(): string {
  return randomBytes(64).toString('base64url');
}

const reasons: Record<number, string> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
};

function nestError(statusCode: number, message: string): Answer {
  if (statusCode === 401 || statusCode === 400) return { status: statusCode, json: { statusCode, message } };
  return { status: statusCode, json: { statusCode, message, error: reasons[statusCode] ?? 'Error' } };
}

/** What the vendor's validation answers, every problem at once. */
function validationError(message: readonly string[]): Answer {
  return { status: 422, json: { message, error: 'Unprocessable Entity', statusCode: 422 } };
}
