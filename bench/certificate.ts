import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { upstreamName } from './place.ts';

/** PEM files of a server that an authority of its own vouches for. */
export interface Identity {
  /** The authority's certificate: what a client has to trust. */
  readonly ca: string;
  readonly certFile: string;
  readonly keyFile: string;
}

/** Makes an authority and, signed by it, the certificate of the upstream. Throws without the command `openssl` 3. */
export function makeIdentity(directory: string): Identity {
  mkdirSync(directory);
  const file = (name: string) => join(directory, name);
  const ca = file('ca.pem');
  const caKey = file('ca-key.pem');
  const certFile = file('cert.pem');
  const keyFile = file('key.pem');
  const request = [
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-noenc',
    '-days',
    '2',
  ];
  const authority = ['-subj', '/CN=Benchmark authority', '-keyout', caKey, '-out', ca];
  openssl([...request, ...authority]);
  const names = ['-subj', `/CN=${upstreamName}`, '-addext', `subjectAltName=DNS:${upstreamName}`];
  const leaf = ['-addext', 'basicConstraints=critical,CA:FALSE', '-CA', ca, '-CAkey', caKey];
  openssl([...request, ...names, ...leaf, '-keyout', keyFile, '-out', certFile]);
  return { ca, certFile, keyFile };
}

function openssl(args: readonly string[]): void {
  execFileSync('openssl', args, { stdio: 'pipe' });
}
