import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** An authority of our own; what it issues lies in its directory until `remove()`. */
export interface Authority {
  readonly dir: string;
  /** PEM, and where it lies. */
  readonly cert: string;
  readonly path: string;
  /** A certificate in this name, for localhost too; gives the paths of its PEM files. */
  issue(name: string): { readonly cert: string; readonly key: string };
  remove(): void;
}

export function authority(): Authority {
  const dir = mkdtempSync(join(tmpdir(), 'cupbearer-ca-'));
  const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: 'pipe', cwd: dir });
  const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  openssl('req', '-x509', ...ec, '-subj', '/CN=Test CA', '-keyout', 'ca.key', '-out', 'ca.pem');
  const path = join(dir, 'ca.pem');
  return {
    dir,
    path,
    cert: readFileSync(path, 'utf8'),
    issue(name) {
      const names = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
      const signed = ['-CA', 'ca.pem', '-CAkey', 'ca.key'];
      openssl('req', '-x509', ...ec, ...signed, ...names, '-keyout', `${name}.key`, '-out', `${name}.pem`);
      return { cert: join(dir, `${name}.pem`), key: join(dir, `${name}.key`) };
    },
    remove: () => rmSync(dir, { recursive: true }),
  };
}
