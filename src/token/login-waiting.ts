import { randomBytes } from 'node:crypto';
import { CupbearerError } from '../errors.ts';
import type { Clock } from './clock.ts';
import { loginLifetimeMs } from './login.ts';
import { sameText } from './login-callback.ts';
import { ageOf } from './region.ts';

/** What ties something to one browser. The value is secret. */
export interface LoginCookie {
  readonly name: string;
  readonly value: string;
  readonly maxAgeMs: number;
}

interface Entry<T> {
  readonly value: T;
  readonly cookie: LoginCookie;
  /** When it was added, on both clocks (ms). */
  readonly t0Mono: number;
  readonly t0Wall: number;
}

/** More than that and the oldest is dropped. */
const mostWaiting = 100;
const unknown = 'this login is not known here: it was finished before, is too old, or was not started here';

/** Logins that wait for the browser they were started in. Each is taken at most once, within ten minutes. */
export class Waiting<T> {
  readonly #clock: Clock;
  readonly #entries = new Map<string, Entry<T>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Keeps a value under a random id, and gives the cookie with which it may be taken. */
  add(id: string, value: T): LoginCookie {
    const cookie = {
      name: `cupbearer-login-${id.slice(0, 8)}`,
      value: randomBytes(32).toString('base64url'),
      maxAgeMs: loginLifetimeMs,
    };
    this.#makeRoom();
    this.#entries.set(id, { value, cookie, t0Mono: this.#clock.mono(), t0Wall: this.#clock.wall() });
    return cookie;
  }

  /** Throws `login-refused`; to a browser without the cookie the value is not lost. */
  take(id: string | undefined, cookies: Readonly<Record<string, string>>): T {
    const entry = id === undefined ? undefined : this.#entries.get(id);
    if (id === undefined || entry === undefined) throw refused(unknown);
    const { name, value } = entry.cookie;
    const shown = Object.hasOwn(cookies, name) ? (cookies[name] as string) : '';
    if (!sameText(shown, value)) throw refused('this login was started in another browser');
    this.#entries.delete(id);
    if (this.#isOver(entry)) throw refused('this login took too long; start it again');
    return entry.value;
  }

  #makeRoom(): void {
    for (const [id, entry] of this.#entries) {
      if (this.#entries.size < mostWaiting && !this.#isOver(entry)) return;
      this.#entries.delete(id);
    }
  }

  #isOver(entry: Entry<T>): boolean {
    return ageOf(entry, this.#clock.mono(), this.#clock.wall()) >= loginLifetimeMs;
  }
}

function refused(message: string): CupbearerError {
  return new CupbearerError('login-refused', message);
}
