import { randomBytes } from 'node:crypto';
import { errorPage, passwordPage, type Question, questionPage } from './login-page.ts';
import { type Answer, hasMediaType, type Parameters, readForm, type VendorRequest } from './message.ts';
import { redirectTo } from './redirect.ts';
import type { Endpoint } from './vendor.ts';

/** The one person who has an account with the vendor. */
export interface User {
  readonly name: string;
  readonly password: string;
}

/** An authorization request that the vendor has found good. */
export interface Asked {
  /** Registered. */
  readonly redirectUri: string;
  readonly state: string | undefined;
}

export interface LoginOptions<A extends Asked> {
  /** Name of the vendor. */
  readonly vendor: string;
  readonly user: User;
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
  /** Goes with every answer to the app (RFC 9207). */
  readonly issuer?: string;
  /** What is asked after the password. Default: nothing. */
  readonly question?: (asked: A) => Question;
  /** The encoded query that tells the app of the consent, without state and issuer. */
  readonly grant: (asked: A, choice: string | undefined) => string;
}

interface Pending<A> {
  readonly asked: A;
  readonly loggedIn: boolean;
  readonly expiresAt: number;
}

const path = '/login';
const lifetime = 600_000;
const pendingLimit = 1000;

export function newUser(): User {
  return { name: 'demo', password: randomBytes(9).toString('base64url') };
}

/**
 * The pages of a login: password, then the vendor's question, then back to the app. Every form carries a random ticket,
 * good for one sending and for that login alone. There is no cookie, so no other site can act in a person's name.
 */
export class Login<A extends Asked> {
  completed = 0;
  readonly endpoint: Endpoint = {
    method: 'POST',
    path: /^\/login$/,
    open: true,
    answer: (request) => this.#submitted(request),
  };
  readonly #options: LoginOptions<A>;
  readonly #pending = new Map<string, Pending<A>>();

  constructor(options: LoginOptions<A>) {
    this.#options = options;
  }

  /** The first page. */
  begin(asked: A): Promise<Answer> {
    return passwordPage(this.#form(asked, false));
  }

  /** Tells the app of a failure (RFC 6749 §4.1.2.1). */
  fail(asked: Asked, error: string): Answer {
    return this.#back(asked, `error=${error}`);
  }

  async #submitted(request: VendorRequest): Promise<Answer> {
    const form = hasMediaType(request, 'application/x-www-form-urlencoded') ? readForm(request) : undefined;
    const ticket = form?.get('ticket') ?? '';
    const pending = this.#pending.get(ticket);
    this.#pending.delete(ticket);
    if (form === undefined || pending === undefined || pending.expiresAt <= this.#options.now()) {
      return errorPage(400, 'This page is no longer valid', 'Go back to the app and log in again.');
    }
    if (form.get('action') === 'cancel') return this.fail(pending.asked, 'access_denied');
    return pending.loggedIn ? this.#answered(pending.asked, form) : this.#password(pending.asked, form);
  }

  #password(asked: A, form: Parameters): Answer | Promise<Answer> {
    const { user, question } = this.#options;
    if (form.get('username') !== user.name || form.get('password') !== user.password) {
      return passwordPage(this.#form(asked, false, 'The user name or the password is wrong.'));
    }
    return question === undefined
      ? this.#complete(asked, undefined)
      : questionPage(this.#form(asked, true), question(asked));
  }

  #answered(asked: A, form: Parameters): Answer | Promise<Answer> {
    const question = this.#options.question?.(asked);
    const choice = form.get('choice');
    if (question?.choices !== undefined && !question.choices.some(({ value }) => value === choice)) {
      return questionPage(this.#form(asked, true, 'Pick one of these.'), question);
    }
    return this.#complete(asked, choice);
  }

  #complete(asked: A, choice: string | undefined): Answer {
    this.completed++;
    return this.#back(asked, this.#options.grant(asked, choice));
  }

  #back({ redirectUri, state }: Asked, query: string): Answer {
    const { issuer } = this.#options;
    const more = Object.entries({ state, iss: issuer }).flatMap(([name, value]) =>
      value === undefined ? [] : [`${name}=${encodeURIComponent(value)}`],
    );
    return redirectTo(redirectUri, [query, ...more].join('&'));
  }

  #form(asked: A, loggedIn: boolean, error?: string) {
    const ticket = randomBytes(24).toString('base64url');
    const [oldest] = this.#pending.keys();
    if (oldest !== undefined && this.#pending.size >= pendingLimit) this.#pending.delete(oldest);
    this.#pending.set(ticket, { asked, loggedIn, expiresAt: this.#options.now() + lifetime });
    return { vendor: this.#options.vendor, action: path, ticket, error };
  }
}
