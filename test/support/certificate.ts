import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A self-signed certificate for localhost, and where its PEM file lies until `remove()`. */
export function certificate(): { cert: Buffer; key: Buffer; path: string; keyPath: string; remove(): void } {
  const dir = mkdtempSync(join(tmpdir(), 'cupbearer-tls-'));
  const path = join(dir, 'cert.pem');
  const keyPath = join(dir, 'key.pem');
  const request = [
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-days',
    '2',
  ];
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
  execFileSync('openssl', [...request, ...names, '-keyout', keyPath, '-out', path], { stdio: 'pipe' });
  return {
    cert: readFileSync(path),
    key: readFileSync(keyPath),
    path,
    keyPath,
    remove: () => rmSync(dir, { recursive: true }),
  };
}
