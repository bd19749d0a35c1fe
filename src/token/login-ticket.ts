import { createHmac, randomBytes } from 'node:crypto';
import { CupbearerError } from '../errors.ts';
import type { SessionKey } from '../store/session.ts';
import type { Clock } from './clock.ts';
import { loginLifetimeMs } from './login.ts';
import { sameText } from './login-callback.ts';
import type { LoginCookie } from './login-waiting.ts';
import { ageOf } from './region.ts';

/** What a ticket is for. */
export interface Offered {
  readonly key: SessionKey;
  readonly redirectUri: string;
}

interface Claims extends Offered {
  /** When it was given, on both clocks (ms). */
  readonly t0Mono: number;
  readonly t0Wall: number;
  readonly nonce: string;
}

/** More than that and the oldest may be used again, by the browser that has its cookie. */
const mostUsed = 10_000;

/**
 * Tickets that start logins. Nothing is kept of those that are given, so however many pages are opened, by whomever, no
 * other page's ticket is lost. Each is good once, for ten minutes, in the browser with its cookie, for this process.
 */
export class LoginTickets {
  readonly #clock: Clock;
  readonly #secret = randomBytes(32);
  readonly #used = new Set<string>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  give(offered: Offered): { ticket: string; cookie: LoginCookie } {
    const { key, redirectUri } = offered;
    const claims: Claims = {
      key: { credential: key.credential, tenant: key.tenant },
      redirectUri,
      t0Mono: this.#clock.mono(),
      t0Wall: this.#clock.wall(),
      nonce: randomBytes(16).toString('base64url'),
    };
    const text = Buffer.from(JSON.stringify(claims)).toString('base64url');
    const ticket = `${text}.${this.#mac('ticket', text)}`;
    return { ticket, cookie: this.#cookieOf(ticket) };
  }

  /** Throws `login-refused`; to a browser without the cookie the ticket is not lost. */
  take(ticket: string | undefined, cookies: Readonly<Record<string, string>>): Offered {
    const [text = '', mac = ''] = ticket?.split('.') ?? [];
    if (ticket === undefined || !sameText(mac, this.#mac('ticket', text)) || this.#used.has(mac)) {
      throw refused('this page is too old, was used before, or was not opened here; open it again');
    }
    const { name, value } = this.#cookieOf(ticket);
    const shown = Object.hasOwn(cookies, name) ? (cookies[name] as string) : '';
    if (!sameText(shown, value)) throw refused('this login was started in another browser');
    this.#use(mac);
    const claims = JSON.parse(Buffer.from(text, 'base64url').toString('utf8')) as Claims;
    if (ageOf(claims, this.#clock.mono(), this.#clock.wall()) >= loginLifetimeMs) {
      throw refused('this login took too long; start it again');
    }
    return claims;
  }

  #use(mac: string): void {
    this.#used.add(mac);
    const [oldest] = this.#used;
    if (this.#used.size > mostUsed && oldest !== undefined) this.#used.delete(oldest);
  }

  #cookieOf(ticket: string): LoginCookie {
    const value = this.#mac('cookie', ticket);
    const name = `cupbearer-start-${this.#mac('name', ticket).slice(0, 8)}`;
    return { name, value, maxAgeMs: loginLifetimeMs };
  }

  #mac(use: string, text: string): string {
    return createHmac('sha256', this.#secret).update(`${use} ${text}`).digest('base64url');
  }
}

function refused(message: string): CupbearerError {
  return new CupbearerError('login-refused', message);
}
