import { createSecureContext } from 'node:tls';
import { fileModeFault } from './file-mode.ts';
import { absolutePath, fileReason } from './interpolate.ts';
import type { Path } from './problems.ts';
import type { RouteFile } from './schema.ts';
import type { Sections } from './sections.ts';

type Tls = RouteFile['tls'];

/**
 * The TLS files at `path` with absolute paths; relative ones start at the configuration's directory. `what` they are
 * for, such as upstreams, and whether that is `secure`: undefined when it is not known. Tells what is unusable.
 */
export function resolveTls(
  path: Path,
  tls: Tls,
  { what, secure }: { readonly what: string; readonly secure: boolean | undefined },
  { context, tell }: Sections,
): Tls {
  const { sources } = context;
  const given = (['ca', 'cert', 'key'] as const).filter((name) => tls[name] !== undefined);
  if (given.length === 0) return tls;
  if (secure === false) tell(path, `tls is for https:// ${what}; remove it`, { atKey: true });
  if (tls.cert !== undefined && tls.key === undefined)
    tell([...path, 'cert'], 'cert needs key: the file of its private key');
  if (tls.key !== undefined && tls.cert === undefined)
    tell([...path, 'key'], 'key needs cert: the file of its certificate');
  const absolute: Record<string, string> = {};
  const pem: Record<string, string> = {};
  for (const name of given) {
    const file = absolutePath(tls[name] as string, sources);
    absolute[name] = file;
    try {
      pem[name] = sources.readFile(file);
      const fault = fileModeFault(file, context);
      if (fault !== undefined) tell([...path, name], fault, { level: 'warning' });
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
