import { dirname, resolve } from 'node:path';
import { createSecureContext } from 'node:tls';
import type { SafeUrl } from './base-url.ts';
import { fileReason } from './interpolate.ts';
import type { RouteFile } from './schema.ts';
import type { Sections } from './sections.ts';

/** A route's TLS files with absolute paths; relative ones start at the configuration's directory. Tells what is unusable. */
export function resolveTls(
  prefix: string,
  { tls }: RouteFile,
  upstream: SafeUrl | undefined,
  { context, tell }: Sections,
): RouteFile['tls'] {
  const { sources } = context;
  const path = ['routes', prefix, 'tls'];
  const given = (['ca', 'cert', 'key'] as const).filter((name) => tls[name] !== undefined);
  if (given.length === 0) return tls;
  if (upstream?.secure === false) tell(path, 'tls is for https:// upstreams; remove it', { atKey: true });
  if (tls.cert !== undefined && tls.key === undefined)
    tell([...path, 'cert'], 'cert needs key: the file of its private key');
  if (tls.key !== undefined && tls.cert === undefined)
    tell([...path, 'key'], 'key needs cert: the file of its certificate');
  const absolute: Record<string, string> = {};
  const pem: Record<string, string> = {};
  for (const name of given) {
    const file = resolve(dirname(sources.file), tls[name] as string);
    absolute[name] = file;
    try {
      pem[name] = sources.readFile(file);
    } catch (error) {
      tell([...path, name], `cannot read the file: ${fileReason(error)}`);
    }
  }
  if (Object.keys(pem).length === given.length && (tls.cert === undefined) === (tls.key === undefined)) {
    try {
      createSecureContext(pem);
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : 'not PEM';
      tell(
        path,
        `these files make no TLS identity (${code}); they must be PEM, the key unencrypted and the certificate's own`,
        { atKey: true },
      );
    }
  }
  return { ...tls, ...absolute };
}
