import { hasSession } from '../provider/grant-type.ts';
import type { SourceNode } from './document.ts';
import { absolutePath, isPlaceholderOnly } from './interpolate.ts';
import type { Findings } from './problems.ts';
import { isLoopback } from './reach.ts';
import type { StoreConfig } from './schema.ts';
import type { Sections } from './sections.ts';

/** Hides a store URL that may have a password in it. */
export function maskStoreUrl(root: SourceNode, findings: Findings): void {
  const url = root.children.get('store')?.children.get('url');
  if (url === undefined) return;
  const text = typeof url.scalar === 'string' ? url.scalar : '';
  if (!isPlaceholderOnly(text) && !/^(?:memory|sqlite):[^@]*$/.test(text)) findings.mask(url.range);
}

/** The store with an absolute path; undefined when it is not usable. Tells what does not fit it. */
export function resolveStore(sections: Sections): StoreConfig | undefined {
  const { store, context, tell } = sections;
  checkSharing(sections);
  if (store === undefined) return undefined;
  const { url, key } = store;
  if (url.kind === 'memory') {
    if (key !== undefined) {
      tell(['store', 'key'], 'a store in memory needs no key; remove it, or write url: sqlite:/path', {
        atKey: true,
        level: 'warning',
      });
    }
    return store;
  }
  if (key === undefined) {
    const make = '32 bytes in base64, made with `openssl rand -base64 32`';
    tell(['store'], `key is missing: what is stored is sealed with it; write key: \${file:/path}, ${make}`, {
      atKey: true,
    });
  }
  if (url.kind === 'redis') {
    checkRedis(new URL(url.url.reveal()), sections);
    return store;
  }
  return { ...store, url: { ...url, path: absolutePath(url.path, context.sources) } };
}

function checkRedis(url: URL, { tell }: Sections): void {
  const path = ['store', 'url'];
  if (url.hostname === '') tell(path, 'the URL has no host; write redis://host:6379/0');
  else if (!/^(?:\/\d*)?$/.test(url.pathname) || url.search !== '' || url.hash !== '') {
    tell(path, 'after the host a Redis URL has the number of the database alone; write redis://host:6379/0');
  } else if (url.protocol === 'redis:' && !isLoopback(url.hostname)) {
    tell(path, 'redis:// shows the password to the network; write rediss://', { level: 'warning' });
  }
}

/**
 * A session has one refresh token at a time: who keeps it in memory loses it with the process, and two who keep it apart
 * take it from each other.
 */
function checkSharing({ server, store, credentials, context, tell }: Sections): void {
  const sessions = [...credentials.entries].filter(([, { grant_type }]) => hasSession(grant_type));
  const names = sessions.map(([name]) => name);
  const replicas = server?.replicas ?? 1;
  if (store?.url.kind === 'sqlite' && replicas > 1) {
    const message =
      'an SQLite file is shared on one host only; for replicas on several write url: rediss://…';
    tell(['store', 'url'], message, { level: 'warning' });
  }
  for (const [name, { revoke_on_shutdown }] of replicas > 1 ? sessions : []) {
    if (!revoke_on_shutdown) continue;
    const message = `all ${replicas} replicas serve the token that one of them would revoke when it stops; remove it`;
    tell(['credentials', name, 'revoke_on_shutdown'], message, { level: 'warning' });
  }
  const [first] = names;
  if (store?.url.kind !== 'memory' || first === undefined) return;
  if (replicas > 1) {
    const each = `each of the ${replicas} keeps the session of ${listed(names)} in its own memory`;
    tell(['server', 'replicas'], `${each}; write store: { url: rediss://…, key: … }`);
    return;
  }
  if (context.findings.errors > 0) return;
  const message = `the session of ${listed(names)} is lost on a restart: it is kept in memory`;
  tell(
    ['credentials', first, 'grant_type'],
    `${message}; write store: { url: sqlite:/path/sessions.db, key: … }`,
    {
      atKey: true,
      level: 'warning',
    },
  );
}

function listed(names: readonly string[]): string {
  const shown = names.slice(0, 5);
  const rest = names.length - shown.length;
  return new Intl.ListFormat('en').format(rest > 0 ? [...shown, `${rest} more`] : shown);
}
