import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import type { Ledger } from '../../src/demo/ledger.ts';
import { type Answer, basicPair, hasMediaType, readForm, schemeValue } from '../../src/demo/message.ts';
import { type Refreshed, Rotation } from '../../src/demo/rotation.ts';
import { startVendor } from '../../src/demo/start-vendor.ts';
import type { Definition, OwnHandles, Vendor, VendorOptions } from '../../src/demo/vendor.ts';

/** The server's one client; the secret has nothing in it that any encoding would change. */
export const rotatingClient = { id: 'rotating-client', secret: 'rotating-secret' } as const;

export interface RotatingOptions extends VendorOptions {
  /** Seconds an access token lives. Default: 3600. */
  readonly lifetime?: number;
  /** Seconds in which the last refresh token spent brings the same pair again. Default: 0. */
  readonly grace?: number;
  /** How many of the first token answers are lost: they take effect, then the connection is cut. Default: 0. */
  readonly loseAnswers?: number;
  /** Milliseconds between a refresh taking effect and its answer. Default: 0. */
  readonly hold?: number;
}

export interface RotatingStats {
  /** Refresh tokens spent. */
  readonly refreshes: number;
  /** Pairs given again within the grace. */
  readonly replays: number;
  /** Spent refresh tokens that came again otherwise. */
  readonly reuses: number;
  /** Answers of `invalid_grant`. */
  readonly invalidGrants: number;
  /** Sessions ended because a spent token came again. */
  readonly familyRevoked: number;
}

/** `GET /api` answers 200 to a valid access token, `GET /stats` what `stats` has. */
export interface RotatingServer extends Vendor {
  readonly tokenUrl: string;
  readonly apiUrl: string;
  readonly client: { readonly id: string; readonly secret: string };
  /** Where the first session starts. */
  readonly refreshToken: string;
  readonly stats: RotatingStats;
  /** A further session; its first refresh token. Also `POST /begin`. */
  begin(): string;
}

/**
 * An authorization server with the refresh_token grant of RFC 6749 §6 alone, single-use refresh tokens, and a session
 * that ends when a spent one comes again. Client authentication by Basic or in the body, on loopback.
 */
export async function startRotating(options: RotatingOptions = {}): Promise<RotatingServer> {
  const vendor = await startVendor(
    options.lifetime ?? 3600,
    (ledger, url) => define(ledger, url, options.grace ?? 0),
    options,
  );
  vendor.failTokens({ count: options.loseAnswers ?? 0, how: 'lost' });
  vendor.holdTokens(options.hold ?? 0);
  return vendor;
}

function define(ledger: Ledger, url: string, grace: number): Definition<OwnHandles<RotatingServer>> {
  const rotation = new Rotation({ ledger, grace, newToken: () => randomBytes(24).toString('base64url') });
  const { refreshToken } = rotation.begin();
  const begin = () => rotation.begin().refreshToken;
  let invalidGrants = 0;
  const stats = (): RotatingStats => ({
    refreshes: rotation.refreshes,
    replays: rotation.replays,
    reuses: rotation.reuses,
    invalidGrants,
    familyRevoked: rotation.ended,
  });

  return {
    name: 'rotating',
    tokenPath: '/token',
    env: () => ({}),
    error: (status, message) => oauthError(status, 'temporarily_unavailable', message),
    endpoints: [
      { method: 'GET', path: /^\/api$/, answer: () => ({ status: 200, json: { ok: true } }) },
      { method: 'GET', path: /^\/stats$/, open: true, answer: () => ({ status: 200, json: stats() }) },
      {
        method: 'POST',
        path: /^\/begin$/,
        open: true,
        answer: () => ({ status: 200, json: { refresh_token: begin() } }),
      },
    ],
    authorize: (request) =>
      ledger.find(schemeValue(request, 'Bearer')) ?? {
        ...oauthError(401, 'invalid_token', 'The access token is missing, expired or revoked.'),
        headers: { 'WWW-Authenticate': 'Bearer error="invalid_token"' },
      },
    token(request) {
      const form = hasMediaType(request, 'application/x-www-form-urlencoded') ? readForm(request) : undefined;
      if (form === undefined) return oauthError(400, 'invalid_request', 'The body must be a form.');
      const { id, secret } = basicPair(request) ?? {
        id: form.get('client_id'),
        secret: form.get('client_secret'),
      };
      if (id !== rotatingClient.id || secret !== rotatingClient.secret)
        return oauthError(401, 'invalid_client', 'Unknown client or wrong secret.');
      if (form.get('grant_type') !== 'refresh_token')
        return oauthError(400, 'unsupported_grant_type', 'Only refresh_token.');
      const refreshed = rotation.spend(form.get('refresh_token'));
      if (refreshed !== undefined) return answerOf(refreshed);
      invalidGrants++;
      return oauthError(400, 'invalid_grant', 'The refresh token is not valid.');
    },
    handles: {
      tokenUrl: `${url}/token`,
      apiUrl: `${url}/api`,
      client: rotatingClient,
      refreshToken,
      get stats() {
        return stats();
      },
      begin,
    },
  };
}

function answerOf({ family, token, expiresIn }: Refreshed): Answer {
  return {
    status: 200,
    headers: { 'Cache-Control': 'no-store' },
    json: {
      access_token: token.value,
      token_type: 'Bearer',
      expires_in: expiresIn,
      refresh_token: family.refreshToken,
    },
  };
}

function oauthError(status: number, error: string, description: string): Answer {
  return { status, json: { error, error_description: description } };
}

/** As a process of its own: prints where it is as one line of JSON, and stops when told to. */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      port: { type: 'string', default: '0' },
      lifetime: { type: 'string', default: '3600' },
      grace: { type: 'string', default: '0' },
      hold: { type: 'string', default: '0' },
      'lose-answers': { type: 'string', default: '0' },
    },
  });
  const server = await startRotating({
    port: Number(values.port),
    lifetime: Number(values.lifetime),
    grace: Number(values.grace),
    hold: Number(values.hold),
    loseAnswers: Number(values['lose-answers']),
  });
  const { url, tokenUrl, apiUrl, client, refreshToken } = server;
  process.stdout.write(`${JSON.stringify({ url, tokenUrl, apiUrl, client, refreshToken })}\n`);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void server.close());
}

if (import.meta.main) await main();
