import { type Asked, Login, type User } from './login.ts';
import { errorPage } from './login-page.ts';
import { type Answer, readQuery, type VendorRequest } from './message.ts';
import { isRegistered } from './redirect.ts';
import { type Grant, grantFor, isScope, locations } from './revo-digital-api.ts';
import type { Endpoint } from './vendor.ts';

interface ChooseLocation {
  readonly clientId: string;
  readonly redirectUris: readonly string[];
  readonly user: User;
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
  /** The code for what was granted. */
  readonly grant: (grant: Grant, redirectUri: string) => string;
}

interface AppRequest extends Asked {
  readonly scope: string | undefined;
}

const company = 'company';

/**
 * `/oauth/chooselocation`: password, then the choice of one location or the whole company. What an app is told when it
 * asks for something wrong is that of RFC 6749 §4.1.2.1.
 */
export function chooseLocation(options: ChooseLocation): {
  endpoints: readonly Endpoint[];
  completed: () => number;
} {
  const login = new Login<AppRequest>({
    vendor: 'Revo Digital',
    user: options.user,
    now: options.now,
    question: ({ scope, redirectUri }) => ({
      title: 'Choose a location',
      lines: [
        `The app at ${new URL(redirectUri).host} asks for: ${scope ?? 'everything it is registered for'}`,
      ],
      choices: [
        ...locations.map(({ id, name }) => ({ value: id, label: name })),
        { value: company, label: 'The whole company' },
      ],
    }),
    grant({ scope, redirectUri }, choice = company) {
      const grant =
        choice === company
          ? grantFor('Company', locations[0].id, scope)
          : grantFor('Location', choice, scope);
      return `code=${options.grant(grant, redirectUri)}`;
    },
  });

  function answer(request: VendorRequest): Answer | Promise<Answer> {
    const query = readQuery(request);
    const redirectUri = query?.get('redirect_uri') ?? '';
    if (query?.get('client_id') !== options.clientId || !isRegistered(redirectUri, options.redirectUris)) {
      const what = 'The app or the address it wants you back at is not known here, or named twice.';
      return errorPage(400, 'This login cannot go on', what);
    }
    const asked = { redirectUri, state: query.get('state'), scope: query.get('scope') };
    if (query.get('response_type') !== 'code') {
      return login.fail(asked, query.has('response_type') ? 'unsupported_response_type' : 'invalid_request');
    }
    if (asked.scope !== undefined && !isScope(asked.scope)) return login.fail(asked, 'invalid_scope');
    return login.begin(asked);
  }

  return {
    endpoints: [{ method: 'GET', path: /^\/oauth\/chooselocation$/, open: true, answer }, login.endpoint],
    completed: () => login.completed,
  };
}
