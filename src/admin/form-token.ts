import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { AskedSubject } from './subject.ts';

/** What a form of ours does, and to whom. */
export interface FormAct extends AskedSubject {
  readonly act: 'renew' | 'revoke';
}

/** By name. */
type Cookies = Readonly<Record<string, string>>;

/** A browser that has our cookie. The value is secret. */
export interface FormCookie {
  readonly name: string;
  readonly value: string;
  /** The browser does not have it yet. */
  readonly isNew: boolean;
}

/**
 * Ties forms to the browser that our page was shown in: a form carries a token that is made of what it does and of the
 * browser's cookie. Nothing is kept of those that are given; all of them end with this process.
 */
export class FormTokens {
  readonly #secret = randomBytes(32);

  /** The browser's own cookie under this Host when it is one of ours, else a new one. */
  cookie(host: string, cookies: Cookies): FormCookie {
    const name = nameUnder(host);
    const shown = this.#shown(name, cookies);
    if (shown !== undefined) return { name, value: shown, isNew: false };
    const nonce = randomBytes(16).toString('base64url');
    return { name, value: `${nonce}.${this.#mac('cookie', nonce)}`, isNew: true };
  }

  /** What a form carries that is shown to the browser with this cookie. */
  token({ value }: Pick<FormCookie, 'value'>, { act, credential, tenant }: FormAct): string {
    return this.#mac('form', JSON.stringify([value, act, credential, tenant ?? null]));
  }

  /** Whether a form was shown under this Host to the browser that sends it. */
  isOurs(token: string, host: string, cookies: Cookies, act: FormAct): boolean {
    const value = this.#shown(nameUnder(host), cookies);
    return value !== undefined && same(token, this.token({ value }, act));
  }

  #shown(name: string, cookies: Cookies): string | undefined {
    const value = Object.hasOwn(cookies, name) ? cookies[name] : undefined;
    const [nonce = '', mac = ''] = value?.split('.') ?? [];
    return value !== undefined && same(mac, this.#mac('cookie', nonce)) ? value : undefined;
  }

  #mac(use: string, text: string): string {
    return createHmac('sha256', this.#secret).update(`${use} ${text}`).digest('base64url');
  }
}

/**
 * Several instances may be open in one browser, which does not keep ports apart. The same after every start: else a page
 * that stays open gathers a cookie from each, until servers of that host refuse fields so long.
 */
function nameUnder(host: string): string {
  return `cupbearer-status-${/:(\d+)$/.exec(host)?.[1] ?? 'page'}`;
}

/** Compares in constant time. */
function same(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}
