import { LRUCache } from 'lru-cache';
import { CupbearerError } from '../errors.ts';
import type { Credential } from './credential.ts';

/** Whether a text can name a tenant: 1 to 256 visible ASCII characters. */
export function isTenant(text: string): boolean {
  return /^[\x21-\x7e]{1,256}$/.test(text);
}

/**
 * One credential's instances by tenant: at most `max`, the least recently used goes first, but never one that has a
 * token request in progress or holds a refresh token nobody else has.
 */
export class Tenants {
  readonly #credential: string;
  readonly #header: string;
  readonly #max: number;
  readonly #create: (tenant: string) => Credential;
  /** Values are opaque: all that lru-cache publishes of them to diagnostics channels is their class. */
  readonly #instances: LRUCache<string, Credential>;

  constructor(
    credential: string,
    bounds: { readonly header: string; readonly max: number },
    create: (tenant: string) => Credential,
  ) {
    this.#credential = credential;
    this.#header = bounds.header;
    this.#max = bounds.max;
    this.#create = create;
    this.#instances = new LRUCache({ max: bounds.max });
  }

  /** Throws `tenant-required`, `malformed-request`, `tenants-exhausted`. */
  get(tenant: string | undefined): Credential {
    const known = tenant === undefined ? undefined : this.#instances.get(tenant);
    if (known) return known;
    if (tenant === undefined) {
      throw new CupbearerError(
        'tenant-required',
        `credential ${this.#credential} has a token per tenant: send the tenant in ${this.#header}`,
      );
    }
    if (!isTenant(tenant)) {
      throw new CupbearerError(
        'malformed-request',
        `${this.#header} must be 1 to 256 visible ASCII characters`,
      );
    }
    if (this.#instances.size >= this.#max) this.#makeRoom();
    const instance = this.#create(tenant);
    this.#instances.set(tenant, instance);
    return instance;
  }

  values(): Iterable<Credential> {
    return this.#instances.values();
  }

  #makeRoom(): void {
    for (const tenant of this.#instances.rkeys()) {
      if (this.#instances.peek(tenant)?.pinned) continue;
      this.#instances.delete(tenant);
      return;
    }
    throw new CupbearerError(
      'tenants-exhausted',
      `credential ${this.#credential}: all ${this.#max} tenants are busy; raise tenant.max or try again`,
      { retryAfterMs: 1_000 },
    );
  }
}
