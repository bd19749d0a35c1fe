import type { Config } from '../config/config.ts';
import type { CredentialConfig } from '../config/schema.ts';
import { CupbearerError } from '../errors.ts';
import type { SessionKey } from '../store/session.ts';
import type { Clock } from './clock.ts';
import { finishLogin, type PendingLogin, startLogin } from './login.ts';
import { readCallback, stateOf } from './login-callback.ts';
import { loginFault } from './login-check.ts';
import { checkStore, type LoggedIn, loginTarget } from './login-session.ts';
import { LoginTickets } from './login-ticket.ts';
import { type LoginCookie, Waiting } from './login-waiting.ts';
import type { Parts } from './parts.ts';

export interface LoginDeskInit {
  readonly config: Pick<Config, 'credentials' | 'providers'>;
  readonly parts: Parts;
  readonly clock: Clock;
  /** Called when a session has been stored. Must not throw. */
  readonly stored?: (session: LoggedIn) => void;
}

/** A login that a person may start. */
export interface LoginOffer {
  /** Host and port of the provider's login page. */
  readonly host: string;
  /** Good for one start, in the browser with the cookie. Secret. */
  readonly ticket: string;
  readonly cookie: LoginCookie;
}

/** A login that has started: where the person goes, where the provider sends the browser, and its cookie. */
export interface StartedLogin {
  readonly url: string;
  readonly redirectUri: string;
  readonly cookie: LoginCookie;
}

/** A login under way, and what the credential was when it started. */
interface Started {
  readonly pending: PendingLogin;
  readonly credential: CredentialConfig;
}

type Cookies = Readonly<Record<string, string>>;

/**
 * Where many people log in at a time, each in a browser of their own. Everything throws `login-refused` when nobody can
 * log in for the session, and `shutting-down` once it is closed.
 */
export interface LoginDesk {
  /** The `redirect_uri` configured for a credential. */
  redirectUri(key: SessionKey): string | undefined;
  /**
   * What a login would be. Nothing is started. Throws what the store throws, and `configuration-invalid` as
   * `authorizationUrl` does.
   */
  offer(key: SessionKey, redirectUri: string): Promise<LoginOffer>;
  /** Starts the login that was offered with this ticket, if `cookies` has its cookie. Throws as `offer`. */
  start(ticket: string | undefined, cookies: Cookies): Promise<StartedLogin>;
  /**
   * Finishes the login that a redirect with this query belongs to, if `cookies` has the cookie it was started with.
   * A login can be finished once. Throws `login-refused`, `login-failed`, and what the store throws.
   */
  finish(query: string, cookies: Cookies): Promise<LoggedIn>;
  /** Takes no more, and resolves when the logins that are being finished have ended. */
  close(): Promise<void>;
}

export function createLoginDesk({ config, parts, clock, stored }: LoginDeskInit): LoginDesk {
  const tickets = new LoginTickets(clock);
  const started = new Waiting<Started>(clock);
  const finishing = new Set<Promise<LoggedIn>>();
  let isClosed = false;

  const check = (key: SessionKey): void => {
    const fault = loginFault(config, key, 'browser');
    if (fault !== undefined) throw refused(fault);
  };
  const checkOpen = (): void => {
    if (isClosed) throw new CupbearerError('shutting-down', 'Cupbearer is stopping; log in again later');
  };

  async function finish(query: string, cookies: Cookies): Promise<LoggedIn> {
    const { pending, credential } = started.take(stateOf(query), cookies);
    // A code of one provider is not for another.
    if (config.credentials[pending.key.credential] !== credential)
      throw refused('the credential has been changed in the configuration meanwhile; log in again');
    const told = readCallback(query, pending);
    if (told.kind !== 'code') throw refused(told.message);
    const done = await finishLogin(loginTarget(parts, clock, pending.key), pending, told.code);
    stored?.(done);
    return done;
  }

  return {
    redirectUri(key) {
      check(key);
      return parts.config(key.credential).redirect_uri;
    },
    async offer(key, redirectUri) {
      checkOpen();
      check(key);
      const target = loginTarget(parts, clock, key);
      const { host } = new URL(startLogin(target, redirectUri).url);
      await checkStore(target);
      return { host, ...tickets.give({ key, redirectUri }) };
    },
    async start(ticket, cookies) {
      checkOpen();
      const { key, redirectUri } = tickets.take(ticket, cookies);
      // The configuration may be another than when it was offered.
      check(key);
      const target = loginTarget(parts, clock, key);
      await checkStore(target);
      const { url, pending } = startLogin(target, redirectUri);
      return {
        url,
        redirectUri,
        cookie: started.add(pending.state, { pending, credential: target.config }),
      };
    },
    async finish(query, cookies) {
      checkOpen();
      const done = finish(query, cookies);
      finishing.add(done);
      try {
        return await done;
      } finally {
        finishing.delete(done);
      }
    },
    async close() {
      isClosed = true;
      await Promise.allSettled(finishing);
    },
  };
}

function refused(message: string): CupbearerError {
  return new CupbearerError('login-refused', message);
}
