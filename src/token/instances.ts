import { CupbearerError } from '../errors.ts';
import { type TenantBounds, Tenants } from './tenants.ts';

/** Those of another configuration, and which of them are taken over as they are. */
export interface Inherited<T extends { readonly pinned: boolean }> {
  readonly instances: Instances<T>;
  readonly has: (credential: string) => boolean;
}

/** The instances of all credentials: one each, or one for each tenant of those that have tenants. */
export class Instances<T extends { readonly pinned: boolean }> {
  readonly #entries = new Map<string, { readonly single: T } | Tenants<T>>();

  /** Those without tenants are created at once, the others when they are asked for; `forgotten` is told what goes. */
  constructor(
    credentials: Readonly<Record<string, { readonly tenant?: TenantBounds | undefined }>>,
    create: (credential: string, tenant: string | undefined) => T,
    forgotten: (credential: string, tenant: string, instance: T) => void,
    inherited?: Inherited<T>,
  ) {
    for (const [name, { tenant }] of Object.entries(credentials)) {
      const known = inherited?.has(name) ? inherited.instances.#entries.get(name) : undefined;
      if (known !== undefined) {
        this.#entries.set(name, known);
        continue;
      }
      const one = (value: string | undefined) => create(name, value);
      const gone = (value: string, instance: T) => forgotten(name, value, instance);
      this.#entries.set(name, tenant ? new Tenants(name, tenant, one, gone) : { single: one(undefined) });
    }
  }

  /** Throws `tenant-required`, `malformed-request`, `tenants-exhausted`, `internal` for what is not configured. */
  get(credential: string, tenant: string | undefined): T {
    const entry = this.#entries.get(credential);
    if (!entry) throw new CupbearerError('internal', `credential ${credential} is not configured`);
    return 'single' in entry ? entry.single : entry.get(tenant);
  }

  /** The instance when there is one already; counts as a use of the tenant. */
  find(credential: string, tenant: string | undefined): T | undefined {
    const entry = this.#entries.get(credential);
    if (!entry || 'single' in entry) return entry?.single;
    return tenant === undefined ? undefined : entry.find(tenant);
  }

  /** The instances of one credential. */
  of(credential: string): Iterable<T> {
    const entry = this.#entries.get(credential);
    if (!entry) return [];
    return 'single' in entry ? [entry.single] : entry.values();
  }

  *values(): Generator<T> {
    for (const name of this.#entries.keys()) yield* this.of(name);
  }
}
