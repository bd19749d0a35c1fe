import { randomBytes, randomUUID } from 'node:crypto';
import type { IssuedToken, Ledger } from './ledger.ts';
import { type Answer, hasMediaType, readJson, type VendorRequest } from './message.ts';
import { revError } from './vbrick-rev-api.ts';
import type { Endpoint } from './vendor.ts';

/** Wrong secrets in a row that lock the account. */
const attemptLimit = 5;

/**
 * Rev's login for servers: `POST /api/v2/authenticate` with apiKey and secret gives a token, `POST
 * /api/v2/auth/extend-session-timeout/{apiKey}` with that token makes it live another inactivity timeout from now and
 * answers `{expiration}` alone. Vbrick's client does not repeat a refused login as that locks the user out; after how
 * many tries and how Rev says so is not written down: here five wrong secrets lock, then 429 until unlocked. Calls of
 * the API do not prolong a token, and a new login leaves the tokens before it alone.
 */
export class KeyLogin {
  attempts = 0;
  completed = 0;
  extensions = 0;
  readonly endpoints: readonly Endpoint[] = [
    {
      method: 'POST',
      path: /^\/api\/v2\/authenticate$/,
      open: true,
      issues: true,
      answer: (request) => this.#authenticate(request),
    },
    {
      method: 'POST',
      path: /^\/api\/v2\/auth\/extend-session-timeout\/([^/]+)$/,
      issues: true,
      answer: (_request, token, [apiKey]) => this.#extend(token, apiKey),
    },
  ];
  readonly #apiKey: string;
  readonly #secret: string;
  readonly #ledger: Ledger;
  readonly #userId = randomUUID();
  #wrong = 0;

  constructor(apiKey: string, secret: string, ledger: Ledger) {
    this.#apiKey = apiKey;
    this.#secret = secret;
    this.#ledger = ledger;
  }

  get locked(): boolean {
    return this.#wrong >= attemptLimit;
  }

  unlock(): void {
    this.#wrong = 0;
  }

  /** The names are `apiKey` and `secret` in Vbrick's client, `ApiKey` and `Secret` in its documentation. */
  #authenticate(request: VendorRequest): Answer {
    this.attempts++;
    if (!hasMediaType(request, 'application/json'))
      return revError(415, 'The body must be application/json.');
    const body = readJson(request);
    const apiKey = body?.apiKey ?? body?.ApiKey;
    const secret = body?.secret ?? body?.Secret;
    if (typeof apiKey !== 'string' || typeof secret !== 'string')
      return revError(400, 'apiKey and secret are required.');
    if (apiKey !== this.#apiKey) return revError(401, 'The API key is not valid.');
    if (this.locked) return revError(429, 'Too many failed logins: the account is locked.');
    if (secret !== this.#secret) {
      this.#wrong++;
      return revError(401, 'The secret is not valid.');
    }
    this.#wrong = 0;
    this.completed++;
    const facts = { apiKey, userId: this.#userId };
    const token = this.#ledger.issue(randomBytes(84).toString('base64url'), facts);
    return { status: 200, json: { token: token.value, issuer: 'VBrick', expiration: expirationOf(token) } };
  }

  #extend(token: IssuedToken, apiKey: string | undefined): Answer {
    if (apiKey === undefined || token.facts.apiKey !== apiKey)
      return revError(401, 'The session is not one of this API key.');
    this.#ledger.prolong(token);
    this.extensions++;
    return { status: 200, json: { expiration: expirationOf(token) } };
  }
}

function expirationOf({ expiresAt }: IssuedToken): string {
  return new Date(expiresAt).toISOString();
}
