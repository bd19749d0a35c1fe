import { LRUCache } from 'lru-cache';
import { CupbearerError } from '../errors.ts';

/** Whether a text can name a tenant: 1 to 256 visible ASCII characters. */
export function isTenant(text: string): boolean {
  return /^[\x21-\x7e]{1,256}$/.test(text);
}

export interface TenantBounds {
  /** The request field that names the tenant. */
  readonly header: string;
  readonly max: number;
}

/**
 * One credential's instances by tenant: at most `max`, the least recently used goes first, but never one that is pinned:
 * it has a token request in progress or holds a refresh token nobody else has.
 */
export class Tenants<T extends { readonly pinned: boolean }> {
  readonly #credential: string;
  readonly #header: string;
  readonly #max: number;
  readonly #create: (tenant: string) => T;
  readonly #forgotten: (tenant: string, instance: T) => void;
  /** Values are opaque: all that lru-cache publishes of them to diagnostics channels is their class. */
  readonly #instances: LRUCache<string, T>;

  /** `forgotten` is told what has made room for another. */
  constructor(
    credential: string,
    bounds: TenantBounds,
    create: (tenant: string) => T,
    forgotten: (tenant: string, instance: T) => void = () => {},
  ) {
    this.#credential = credential;
    this.#header = bounds.header;
    this.#max = bounds.max;
    this.#create = create;
    this.#forgotten = forgotten;
    this.#instances = new LRUCache({ max: bounds.max });
  }

  /** Throws `tenant-required`, `malformed-request`, `tenants-exhausted`. */
  get(tenant: string | undefined): T {
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

  /** The instance of a tenant when there is one already; counts as a use. */
  find(tenant: string): T | undefined {
    return this.#instances.get(tenant);
  }

  values(): Iterable<T> {
    return this.#instances.values();
  }

  #makeRoom(): void {
    for (const tenant of this.#instances.rkeys()) {
      const instance = this.#instances.peek(tenant);
      if (instance === undefined || instance.pinned) continue;
      this.#instances.delete(tenant);
      this.#forgotten(tenant, instance);
      return;
    }
    throw new CupbearerError(
      'tenants-exhausted',
      `credential ${this.#credential}: all ${this.#max} tenants are busy; raise tenant.max or try again`,
      { retryAfterMs: 1_000 },
    );
  }
}
