import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A self-signed certificate of an RSA key, and where both lie until `remove()`. */
export function rsaCertificate(): { path: string; keyPath: string; remove(): void } {
  const directory = mkdtempSync(join(tmpdir(), 'cupbearer-rsa-'));
  const path = join(directory, 'cert.pem');
  const keyPath = join(directory, 'key.pem');
  const request = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=acme'];
  execFileSync('openssl', [...request, '-keyout', keyPath, '-out', path], { stdio: 'pipe' });
  return { path, keyPath, remove: () => rmSync(directory, { recursive: true }) };
}
