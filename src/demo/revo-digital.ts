import { randomBytes } from 'node:crypto';
import { Codes } from './codes.ts';
import { jwtLike } from './jwt-like.ts';
import type { IssuedToken, Ledger } from './ledger.ts';
import { newUser, type User } from './login.ts';
import { type Answer, hasMediaType, readForm, schemeValue } from './message.ts';
import {
  apiEndpoints,
  companyId,
  type Grant,
  grantFor,
  locationIds,
  locations,
  nestError,
  type UserType,
  validationError,
} from './revo-digital-api.ts';
import { chooseLocation } from './revo-digital-login.ts';
import { type Family, type Refreshed, Rotation } from './rotation.ts';
import { startVendor } from './start-vendor.ts';
import type { Definition, OwnHandles, Vendor, VendorOptions } from './vendor.ts';

export interface RevoDigitalVendor extends Vendor {
  readonly redirectUri: string;
  readonly companyId: string;
  readonly locationIds: readonly string[];
  /** Who can log in. */
  readonly user: User;
  /** Refresh tokens spent. */
  readonly refreshes: number;
  /** Pairs given again within the grace. */
  readonly replays: number;
  /** How many times a spent refresh token came again otherwise, and ended its family. */
  readonly reuses: number;
  /** The code a user's consent sends to the redirect URI. Good for one exchange. Default: the first location. */
  approve(userType?: UserType, locationId?: string): string;
}

export interface RevoDigitalOptions extends VendorOptions {
  /** Seconds in which the last refresh token spent brings the same pair again. Default: 0, as no page names a grace. */
  readonly grace?: number;
}

type Consent = Grant & { readonly redirectUri: string; readonly session: { family?: Family } };

const versions = new Set(['2021-04-15', '2021-07-28']);
const configuredUri = 'https://app.example.com/callback';
const firstLocation = locations[0].id;

/**
 * Revo Digital ("Get Access Token"): form, client secret in the body, `user_type`, 24 h tokens, single-use refresh
 * tokens, and a `Version` field on every API call. Stricter than the page in two ways: `user_type` must always be
 * there, and a refresh token that comes twice ends everything it led to. Errors are not those of RFC 6749; a missing
 * `Version` or scope is answered 401, as the vendor does, although no new token would help.
 *
 * The login (`/oauth/chooselocation`, at the vendor on a host of its own) ends with the choice of one location or the
 * company. The company's token gets others for its locations (`/oauth/locationToken`), without refresh tokens.
 */
export async function startRevoDigital(options: RevoDigitalOptions = {}): Promise<RevoDigitalVendor> {
  const client = { id: `${randomBytes(12).toString('hex')}-demo`, secret: randomBytes(18).toString('hex') };
  const user = newUser();
  const codes = new Codes<Consent>(options.now ?? Date.now);
  const consent = (grant: Grant, redirectUri: string) => codes.issue({ ...grant, redirectUri, session: {} });

  function define(ledger: Ledger, url: string): Definition<OwnHandles<RevoDigitalVendor>> {
    const rotation = new Rotation({
      ledger,
      grace: options.grace ?? 0,
      newToken: ({ facts }) => newToken(facts, ledger),
    });
    const first = rotation.begin({ ...grantFor('Location', firstLocation) });
    const firstOfCompany = rotation.begin({ ...grantFor('Company', firstLocation) });
    const login = chooseLocation({
      clientId: client.id,
      redirectUris: [configuredUri],
      user,
      now: ledger.now,
      grant: consent,
    });

    function answer({ family, token, expiresIn }: Refreshed): Answer {
      const { userType, locationId, scope } = family.facts;
      return {
        status: 200,
        json: {
          access_token: token.value,
          token_type: 'Bearer',
          expires_in: expiresIn,
          refresh_token: family.refreshToken,
          scope,
          ...(userType === 'Location' ? { locationId } : {}),
          companyId,
          approvedLocations: userType === 'Location' ? [locationId] : locationIds,
          userId: 'usr_abc123',
          planId: 'plan_xyz789',
          ...(userType === 'Company' ? { installToFutureLocations: true, approvedAllLocations: false } : {}),
        },
      };
    }

    /** It ends with the company's family. */
    function issueLocation(company: IssuedToken, locationId: string): Answer {
      const { family = '', scope } = company.facts;
      const grant = grantFor('Location', locationId, scope);
      const token = ledger.issue(newToken({ ...grant }, ledger), { ...grant, family });
      return {
        status: 200,
        json: {
          access_token: token.value,
          token_type: 'Bearer',
          expires_in: ledger.lifetime,
          scope: grant.scope,
          locationId,
          planId: 'plan_xyz789',
          userId: 'usr_abc123',
        },
      };
    }

    function exchange(form: ReadonlyMap<string, string>): Answer {
      const refusal = nestError(400, 'Invalid grant: authorization code is invalid');
      const spent = codes.spend(form.get('code'));
      if (spent === undefined) return refusal;
      const { redirectUri, session, ...grant } = spent.grant;
      if (spent.again) {
        if (session.family !== undefined) rotation.revoke(session.family);
        return refusal;
      }
      if (form.get('redirect_uri') !== redirectUri) return nestError(400, 'Invalid redirect_uri');
      if (form.get('user_type') !== grant.userType) return nestError(400, 'Invalid user_type for this code');
      session.family = rotation.begin(grant);
      return answer(rotation.issue(session.family));
    }

    return {
      name: 'revo-digital',
      tokenPath: '/oauth/token',
      env: () => ({
        REVO_DIGITAL_URL: url,
        REVO_DIGITAL_LOGIN_URL: url,
        REVO_DIGITAL_CLIENT_ID: client.id,
        REVO_DIGITAL_CLIENT_SECRET: client.secret,
        REVO_DIGITAL_REFRESH_TOKEN: first.refreshToken,
        REVO_DIGITAL_COMPANY_REFRESH_TOKEN: firstOfCompany.refreshToken,
        REVO_DIGITAL_COMPANY_ID: companyId,
      }),
      error: nestError,
      endpoints: [...login.endpoints, ...apiEndpoints(issueLocation)],
      logins: login.completed,
      handles: {
        redirectUri: configuredUri,
        companyId,
        locationIds,
        user,
        get refreshes() {
          return rotation.refreshes;
        },
        get replays() {
          return rotation.replays;
        },
        get reuses() {
          return rotation.reuses;
        },
        approve: (userType = 'Location', locationId = firstLocation) =>
          consent(grantFor(userType, locationId), configuredUri),
      },

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
        const missing = ['client_id', 'client_secret', 'grant_type', 'user_type'].filter(
          (name) => !form.has(name),
        );
        if (missing.length > 0) return validationError(missing.map((name) => `${name} should not be empty`));
        const userType = form.get('user_type');
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
            return answer(rotation.issue(rotation.begin({ ...grantFor(userType, firstLocation) })));
          case 'refresh_token': {
            const refreshed = rotation.spend(form.get('refresh_token'));
            return refreshed ? answer(refreshed) : nestError(400, 'Invalid grant: refresh token is invalid');
          }
          case 'authorization_code':
            return exchange(form);
          default:
            return validationError(['grant_type must be a valid enum value']);
        }
      },
    };
  }

  return startVendor(86_400, define, options);
}

function newToken({ userType, locationId }: Readonly<Record<string, string>>, ledger: Ledger): string {
  return jwtLike({
    authClass: userType,
    authClassId: userType === 'Company' ? companyId : locationId,
    exp: ledger.now() / 1000 + ledger.lifetime,
  });
}
