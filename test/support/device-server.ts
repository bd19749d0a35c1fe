import { randomBytes, randomInt } from 'node:crypto';
import type { Ledger } from '../../src/demo/ledger.ts';
import { newUser, type User } from '../../src/demo/login.ts';
import { errorPage, passwordPage } from '../../src/demo/login-page.ts';
import {
  type Answer,
  hasMediaType,
  readForm,
  schemeValue,
  type VendorRequest,
} from '../../src/demo/message.ts';
import { startVendor } from '../../src/demo/start-vendor.ts';
import type { Definition, OwnHandles, Vendor, VendorOptions } from '../../src/demo/vendor.ts';

const deviceClientId = 'device-client';

export interface DeviceOptions extends VendorOptions {
  /** Seconds an access token lives. Default: 3600. */
  readonly lifetime?: number;
  /** Seconds between polls. Default: 5 (RFC 8628 §3.2). */
  readonly interval?: number;
  /** Seconds the codes live. Default: 600. */
  readonly codeLifetime?: number;
}

/** `GET /api` answers 200 to a valid access token. */
export interface DeviceServer extends Vendor {
  readonly deviceUrl: string;
  readonly tokenUrl: string;
  readonly apiUrl: string;
  readonly clientId: string;
  readonly user: User;
  /** Token calls for a device code. */
  readonly polls: number;
  /** Polls that came too soon. */
  readonly slowDowns: number;
  /** User codes that wait for a person, oldest first. */
  readonly waiting: readonly string[];
  /** What a person does on the verification page. */
  decide(userCode: string, allowed: boolean): void;
}

interface Pending {
  readonly userCode: string;
  readonly ticket: string;
  readonly expiresAt: number;
  interval: number;
  polledAt: number;
  allowed?: boolean;
}

const codePage = `<!doctype html>
<title>Connect a device</title>
<form action="/device"><label>Code <input name="user_code" required></label><button>Continue</button></form>
`;
const grantType = 'urn:ietf:params:oauth:grant-type:device_code';

/**
 * An authorization server for devices without a browser (RFC 8628): `/device_authorization`, the verification page
 * `/device`, and `/token`, whose refresh tokens are not single-use. One public client.
 */
export function startDeviceServer(options: DeviceOptions = {}): Promise<DeviceServer> {
  const lifetime = options.lifetime ?? 3600;
  return startVendor(lifetime, (ledger, url) => define(ledger, url, options), options);
}

function define(ledger: Ledger, url: string, options: DeviceOptions): Definition<OwnHandles<DeviceServer>> {
  const { interval = 5, codeLifetime = 600 } = options;
  const user = newUser();
  const devices = new Map<string, Pending>();
  const refreshTokens = new Set<string>();
  const count = { polls: 0, slowDowns: 0, logins: 0 };

  /** The pending login with this user code, however it is typed (RFC 8628 §6.1). */
  function pendingOf(userCode: string): Pending | undefined {
    const plain = (code: string) => code.toUpperCase().replace(/[^A-Z]/g, '');
    const wanted = plain(userCode);
    return [...devices.values()].find(
      (one) => plain(one.userCode) === wanted && one.allowed === undefined && one.expiresAt > ledger.now(),
    );
  }

  function begin(request: VendorRequest): Answer {
    const form = readClientForm(request);
    if ('status' in form) return form;
    const deviceCode = randomBytes(32).toString('base64url');
    const userCode = newUserCode();
    devices.set(deviceCode, {
      userCode,
      ticket: randomBytes(24).toString('base64url'),
      expiresAt: ledger.now() + codeLifetime * 1000,
      interval,
      polledAt: Number.NEGATIVE_INFINITY,
    });
    return {
      status: 200,
      headers: { 'Cache-Control': 'no-store' },
      json: {
        device_code: deviceCode,
        user_code: userCode,
        verification_uri: `${url}/device`,
        verification_uri_complete: `${url}/device?user_code=${userCode}`,
        expires_in: codeLifetime,
        interval,
      },
    };
  }

  function show({ query }: VendorRequest): Answer | Promise<Answer> {
    const userCode = query.get('user_code');
    if (userCode === null) return { status: 200, html: codePage };
    const pending = pendingOf(userCode);
    if (pending === undefined) return errorPage(400, 'Unknown code', 'Start again on the device.');
    return passwordPage(pageOf(pending));
  }

  function decided(request: VendorRequest): Answer | Promise<Answer> {
    const form = readForm(request);
    const pending = [...devices.values()].find((one) => one.ticket === form?.get('ticket'));
    if (pending === undefined || pendingOf(pending.userCode) !== pending)
      return errorPage(400, 'Unknown code', 'Start again on the device.');
    if (form?.get('action') === 'cancel') return decide(pending, false);
    if (form?.get('username') === user.name && form.get('password') === user.password)
      return decide(pending, true);
    return passwordPage({ ...pageOf(pending), error: 'The user name or the password is wrong.' });
  }

  function decide(pending: Pending, allowed: boolean): Answer {
    pending.allowed = allowed;
    if (allowed) count.logins++;
    return { status: 200, text: 'Done. Go back to the device.' };
  }

  function poll(deviceCode: string | undefined): Answer {
    count.polls++;
    const pending = devices.get(deviceCode ?? '');
    if (deviceCode === undefined || pending === undefined) return oauthError(400, 'invalid_grant');
    const now = ledger.now();
    if (pending.expiresAt <= now) return oauthError(400, 'expired_token');
    const soon = now - pending.polledAt < pending.interval * 1000;
    pending.polledAt = now;
    if (soon) {
      count.slowDowns++;
      pending.interval += 5;
      return oauthError(400, 'slow_down');
    }
    if (pending.allowed === undefined) return oauthError(400, 'authorization_pending');
    devices.delete(deviceCode);
    return pending.allowed ? issue() : oauthError(400, 'access_denied');
  }

  function issue(refreshToken = randomBytes(32).toString('base64url')): Answer {
    refreshTokens.add(refreshToken);
    return {
      status: 200,
      headers: { 'Cache-Control': 'no-store' },
      json: {
        access_token: ledger.issue(randomBytes(24).toString('base64url')).value,
        token_type: 'Bearer',
        expires_in: ledger.lifetime,
        refresh_token: refreshToken,
      },
    };
  }

  return {
    name: 'device',
    tokenPath: '/token',
    env: () => ({}),
    error: (status) => oauthError(status, 'temporarily_unavailable'),
    logins: () => count.logins,
    endpoints: [
      { method: 'GET', path: /^\/api$/, answer: () => ({ status: 200, json: { ok: true } }) },
      { method: 'POST', path: /^\/device_authorization$/, open: true, answer: begin },
      { method: 'GET', path: /^\/device$/, open: true, answer: show },
      { method: 'POST', path: /^\/device$/, open: true, answer: decided },
    ],
    authorize: (request) => ledger.find(schemeValue(request, 'Bearer')) ?? oauthError(401, 'invalid_token'),
    token(request) {
      const form = readClientForm(request);
      if ('status' in form) return form;
      const refreshToken = form.get('refresh_token') ?? '';
      switch (form.get('grant_type')) {
        case grantType:
          return poll(form.get('device_code'));
        case 'refresh_token':
          return refreshTokens.has(refreshToken) ? issue(refreshToken) : oauthError(400, 'invalid_grant');
        default:
          return oauthError(400, 'unsupported_grant_type');
      }
    },
    handles: {
      deviceUrl: `${url}/device_authorization`,
      tokenUrl: `${url}/token`,
      apiUrl: `${url}/api`,
      clientId: deviceClientId,
      user,
      get polls() {
        return count.polls;
      },
      get slowDowns() {
        return count.slowDowns;
      },
      get waiting() {
        return [...devices.values()].map(({ userCode }) => userCode).filter((code) => pendingOf(code));
      },
      decide(userCode, allowed) {
        const pending = pendingOf(userCode);
        if (pending === undefined) throw new Error(`no login waits for ${userCode}`);
        decide(pending, allowed);
      },
    },
  };
}

function readClientForm(request: VendorRequest) {
  const form = hasMediaType(request, 'application/x-www-form-urlencoded') ? readForm(request) : undefined;
  if (form === undefined) return oauthError(400, 'invalid_request');
  return form.get('client_id') === deviceClientId ? form : oauthError(401, 'invalid_client');
}

function pageOf({ ticket }: Pending) {
  return { vendor: 'the device server', action: '/device', ticket };
}

/** Twenty letters without vowels, so that no words come of them (RFC 8628 §6.1). */
function newUserCode(): string {
  const letters = 'BCDFGHJKLMNPQRSTVWXZ';
  const four = () => Array.from({ length: 4 }, () => letters[randomInt(letters.length)]).join('');
  return `${four()}-${four()}`;
}

function oauthError(status: number, error: string): Answer {
  return { status, json: { error } };
}
