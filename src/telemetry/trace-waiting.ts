import type { TracedExchange } from './traced.ts';

/** Who waits for which credential's token. */
export class TraceWaiting {
  readonly #by = new Map<string, Set<TracedExchange>>();
  readonly #keys = new Map<TracedExchange, string>();

  add(exchange: TracedExchange, credential: string, tenant: string | undefined): void {
    const key = keyOf(credential, tenant);
    this.forget(exchange);
    this.#keys.set(exchange, key);
    const others = this.#by.get(key);
    if (others === undefined) this.#by.set(key, new Set([exchange]));
    else others.add(exchange);
  }

  /** Those who wait, in the order they came; from now on they do not any more. */
  take(credential: string, tenant: string | undefined): TracedExchange[] {
    const key = keyOf(credential, tenant);
    const found = [...(this.#by.get(key) ?? [])];
    this.#by.delete(key);
    for (const exchange of found) this.#keys.delete(exchange);
    return found;
  }

  forget(exchange: TracedExchange): void {
    const key = this.#keys.get(exchange);
    if (key === undefined) return;
    this.#keys.delete(exchange);
    const others = this.#by.get(key);
    others?.delete(exchange);
    if (others?.size === 0) this.#by.delete(key);
  }
}

function keyOf(credential: string, tenant: string | undefined): string {
  return tenant === undefined ? credential : `${credential} ${tenant}`;
}
