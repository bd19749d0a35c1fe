import { X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { CupbearerError } from '../errors.ts';
import { fileModeFault } from './file-mode.ts';
import { absolutePath, fileReason } from './interpolate.ts';
import type { Path } from './problems.ts';
import type { Sections } from './sections.ts';

/** Key → what it is to node:tls. */
const pemFiles = { ca: 'ca', client_ca: 'ca', cert: 'cert', key: 'key' } as const;

type Tls = { readonly [name in keyof typeof pemFiles]?: string | undefined };

/**
 * The TLS files at `path` with absolute paths; relative ones start at the configuration's directory. `what` they are
 * for, such as upstreams, and whether that is `secure`: undefined when it is not known. Tells what is unusable.
 */
export function resolveTls<T extends Tls>(
  path: Path,
  tls: T,
  { what, secure }: { readonly what: string; readonly secure: boolean | undefined },
  { context, tell }: Sections,
): T {
  const { sources } = context;
  const given = (Object.keys(pemFiles) as (keyof Tls)[]).filter((name) => tls[name] !== undefined);
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
      const text = sources.readFile(file);
      const fault = fileModeFault(file, context);
      if (fault !== undefined) tell([...path, name], fault, { level: 'warning' });
      if (pemFiles[name] === 'ca') readAuthorities(text);
      pem[pemFiles[name]] = text;
    } catch (error) {
      const isUnusable = error instanceof CupbearerError;
      tell([...path, name], isUnusable ? error.message : `cannot read the file: ${fileReason(error)}`);
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

/**
 * The certificates of a file of authorities, each as PEM (RFC 7468 §2). OpenSSL takes as many as it can read and says
 * nothing of the rest. Throws `configuration-invalid` when there is none, or anything in place of one.
 */
export function readAuthorities(text: string): string[] {
  const block = /^-----BEGIN ([^-\r\n]+)-----[\s\S]*?^-----END \1-----/gm;
  const blocks = text.match(block) ?? [];
  const last = text.slice(text.lastIndexOf('\n') + 1);
  const isCut = last !== '' && '-----BEGIN CERTIFICATE-----'.startsWith(last);
  if (isCut || /-----(?:BEGIN|END)/.test(text.replace(block, '')))
    refuseAuthorities('a certificate has no end or no beginning');
  if (blocks.length === 0) refuseAuthorities('there is no certificate');
  if (!blocks.every(isCertificate)) refuseAuthorities('a block is not a certificate');
  return blocks;
}

function isCertificate(pem: string): boolean {
  try {
    new X509Certificate(pem);
    return true;
  } catch {
    return false;
  }
}

function refuseAuthorities(fault: string): never {
  throw new CupbearerError(
    'configuration-invalid',
    `the file of authorities is unusable: ${fault}; it must be PEM certificates, each whole`,
  );
}
