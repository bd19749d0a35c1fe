import type { IssuedToken } from './ledger.ts';
import { type Answer, hasMediaType, readForm } from './message.ts';
import type { Endpoint } from './vendor.ts';

export const companyId = '5DP41231LkQsiKESj6rh';
/** The company's sub-accounts; a login for one location takes the first when nobody says otherwise. */
export const locations = [
  { id: 've9EPM428h8vShlRW1KT', name: 'Harbour Street' },
  { id: 'Lk7wTn2qVb9XcRf4HsYd', name: 'Station Square' },
] as const;
export const locationIds: readonly string[] = locations.map(({ id }) => id);

/** What the app was registered with. */
const locationScopes = ['contacts.readonly', 'contacts.write'];
const companyScopes = [...locationScopes, 'oauth.readonly', 'oauth.write'];

export type UserType = 'Company' | 'Location';

/** Whom a token speaks for. */
export interface Grant {
  readonly userType: UserType;
  /** Of a Location. */
  readonly locationId: string;
  readonly scope: string;
}

/** A grant of as much of `scope` as this kind of account can have; all of it when nothing was asked for. */
export function grantFor(userType: UserType, locationId: string, scope?: string): Grant {
  const possible = userType === 'Company' ? companyScopes : locationScopes;
  const asked = scope?.split(' ');
  const granted = possible.filter((one) => asked?.includes(one) ?? true);
  return { userType, locationId, scope: granted.join(' ') };
}

export function isScope(scope: string): boolean {
  return scope.split(' ').every((one) => companyScopes.includes(one));
}

/** What there is to call with a token. `issueLocation`: the answer with a token for one location of the company. */
export function apiEndpoints(
  issueLocation: (token: IssuedToken, locationId: string) => Answer,
): readonly Endpoint[] {
  return [
    {
      method: 'GET',
      path: /^\/contacts\/$/,
      answer({ query }, token) {
        const { userType, locationId = '' } = token.facts;
        if (userType !== 'Location' || (query.get('locationId') ?? locationId) !== locationId) {
          return nestError(403, 'The token does not have access to this location.');
        }
        if (!hasScope(token, 'contacts.readonly')) return unauthorizedScope;
        const contacts = contactsOf(locationId);
        return { status: 200, json: { contacts, count: contacts.length } };
      },
    },
    {
      method: 'POST',
      path: /^\/oauth\/locationToken$/,
      issues: true,
      answer(request, token) {
        if (request.headers.version !== '2021-07-28') return nestError(401, 'version header is invalid');
        if (token.facts.userType !== 'Company' || !hasScope(token, 'oauth.write')) return unauthorizedScope;
        if (!hasMediaType(request, 'application/x-www-form-urlencoded')) {
          return nestError(415, 'Content-Type must be application/x-www-form-urlencoded');
        }
        const form = readForm(request);
        if (form === undefined) return nestError(400, 'A parameter is repeated');
        const missing = ['companyId', 'locationId'].filter((name) => !form.has(name));
        if (missing.length > 0) return validationError(missing.map((name) => `${name} should not be empty`));
        const locationId = form.get('locationId') ?? '';
        if (form.get('companyId') !== companyId || !locationIds.includes(locationId)) {
          return nestError(403, 'The token does not have access to this location.');
        }
        return issueLocation(token, locationId);
      },
    },
  ];
}

function contactsOf(locationId: string) {
  const at = locationIds.indexOf(locationId);
  return [
    { id: `con_${at * 2 + 1}`, locationId, firstName: 'First', tags: ['customer'] },
    { id: `con_${at * 2 + 2}`, locationId, firstName: 'Second', tags: [] },
  ];
}

function hasScope(token: IssuedToken, scope: string): boolean {
  return token.facts.scope?.split(' ').includes(scope) ?? false;
}

const reasons: Record<number, string> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
};

export function nestError(statusCode: number, message: string): Answer {
  if (statusCode === 401 || statusCode === 400) return { status: statusCode, json: { statusCode, message } };
  return { status: statusCode, json: { statusCode, message, error: reasons[statusCode] ?? 'Error' } };
}

/** 401, although no new token would help. */
const unauthorizedScope = nestError(401, 'The token is not authorized for this scope.');

/** What the vendor's validation answers, every problem at once. */
export function validationError(message: readonly string[]): Answer {
  return { status: 422, json: { message, error: 'Unprocessable Entity', statusCode: 422 } };
}
