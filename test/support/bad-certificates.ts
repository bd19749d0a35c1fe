import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What one certificate differs in from a good one for localhost, issued by the root. */
interface Wanted {
  /** Its subject alternative names. */
  readonly names?: string;
  /** `YYYYMMDDhhmmssZ`. */
  readonly from?: string;
  readonly to?: string;
  readonly key?: readonly string[];
  readonly digest?: string;
  /** Who signs it: the root, an authority between, one nobody knows, or nobody. */
  readonly by?: 'root' | 'middle' | 'stranger';
}

const kinds = {
  good: {},
  expired: { from: '20200101000000Z', to: '20210101000000Z' },
  'not yet valid': { from: '20900101000000Z', to: '20910101000000Z' },
  'for another host': { names: 'DNS:other.test,IP:192.0.2.1' },
  'of an unknown authority': { by: 'stranger' },
  'without its intermediate': { by: 'middle' },
  'with a weak key': { key: ['-newkey', 'rsa:1024'] },
  'with a weak signature': { digest: 'sha1' },
} as const satisfies Record<string, Wanted>;

export type Kind = keyof typeof kinds | 'signed by itself';

/** PEM texts. */
export interface Pair {
  readonly cert: string;
  readonly key: string;
}

/** Certificates that a client must refuse, and one good one; made with the openssl program. */
export interface BadCertificates {
  /** Where the PEM file of the authority lies that is to be trusted. */
  readonly root: string;
  readonly pairs: Readonly<Record<Kind, Pair>>;
  remove(): void;
}

const elliptic = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'];
const config = `[ca]
default_ca = all
[all]
database = index.txt
serial = serial
new_certs_dir = .
policy = names
unique_subject = no
copy_extensions = copy
[names]
commonName = supplied
`;

export function badCertificates(): BadCertificates {
  const dir = mkdtempSync(join(tmpdir(), 'cupbearer-bad-tls-'));
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: dir, stdio: 'pipe' });
  writeFileSync(join(dir, 'ca.cnf'), config);
  writeFileSync(join(dir, 'index.txt'), '');
  writeFileSync(join(dir, 'serial'), '01\n');
  const authority = (name: string) => {
    const self = ['req', '-x509', ...elliptic, '-nodes', '-days', '3650', '-subj', `/CN=${name}`];
    openssl(...self, '-keyout', `${name}.key`, '-out', `${name}.pem`);
  };
  const issue = (
    file: string,
    subject: string,
    { from, to, key, digest, by = 'root' }: Wanted,
    ext: string[],
  ) => {
    const request = ['req', '-new', ...(key ?? elliptic), '-nodes', '-subj', `/CN=${subject}`];
    openssl(
      ...request,
      ...ext.flatMap((one) => ['-addext', one]),
      '-keyout',
      `${file}.key`,
      '-out',
      `${file}.csr`,
    );
    const signer = [
      'ca',
      '-batch',
      '-notext',
      '-config',
      'ca.cnf',
      '-cert',
      `${by}.pem`,
      '-keyfile',
      `${by}.key`,
    ];
    const dates = ['-startdate', from ?? '20200101000000Z', '-enddate', to ?? '20900101000000Z'];
    openssl(...signer, '-md', digest ?? 'sha256', ...dates, '-in', `${file}.csr`, '-out', `${file}.pem`);
  };
  authority('root');
  authority('stranger');
  issue('middle', 'middle', {}, ['basicConstraints=critical,CA:true']);
  const read = (name: string) => readFileSync(join(dir, name), 'utf8');
  const pairs = {} as Record<Kind, Pair>;
  for (const [kind, wanted] of Object.entries(kinds) as [keyof typeof kinds, Wanted][]) {
    const file = kind.replaceAll(' ', '-');
    issue(file, 'localhost', wanted, [`subjectAltName=${wanted.names ?? 'DNS:localhost,IP:127.0.0.1'}`]);
    pairs[kind] = { cert: read(`${file}.pem`), key: read(`${file}.key`) };
  }
  const own = ['req', '-x509', ...elliptic, '-nodes', '-days', '2', '-subj', '/CN=localhost'];
  openssl(
    ...own,
    '-addext',
    'subjectAltName=DNS:localhost,IP:127.0.0.1',
    '-keyout',
    'own.key',
    '-out',
    'own.pem',
  );
  pairs['signed by itself'] = { cert: read('own.pem'), key: read('own.key') };
  return { root: join(dir, 'root.pem'), pairs, remove: () => rmSync(dir, { recursive: true }) };
}
