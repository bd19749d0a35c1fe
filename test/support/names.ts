import dns, { type LookupAddress, type LookupOptions } from 'node:dns';
import { syncBuiltinESMExports } from 'node:module';
import { isIPv6 } from 'node:net';

/** Names that resolve to what a test says, in this process; any other resolves as ever. */
export interface Names {
  set(name: string, addresses: readonly string[]): void;
  restore(): void;
}

type Callback = (error: Error | null, addresses: LookupAddress[] | string, family?: number) => void;

export function fakeNames(): Names {
  const names = new Map<string, readonly string[]>();
  const { lookup } = dns;
  const install = (one: unknown) => {
    Object.assign(dns, { lookup: one });
    syncBuiltinESMExports();
  };
  install((name: string, options: LookupOptions, callback: Callback) => {
    const found = names.get(name)?.map((address) => ({ address, family: isIPv6(address) ? 6 : 4 }));
    if (found === undefined) (lookup as (...args: unknown[]) => void)(name, options, callback);
    else if (options.all === true) setImmediate(callback, null, found);
    else setImmediate(callback, null, found[0]?.address ?? '', found[0]?.family);
  });
  return { set: (name, addresses) => void names.set(name, addresses), restore: () => install(lookup) };
}
