import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { presets } from '../../src/provider/presets.ts';
import { cupbearer } from './config-file.ts';

let directory: string;
let file: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'cupbearer-init-'));
  file = join(directory, 'routes.yaml');
});
afterEach(() => rmSync(directory, { recursive: true }));

const init = (...args: string[]) => cupbearer(['init', '-o', file, ...args]);
const written = () => readFileSync(file, 'utf8');

/** Variables for everything a text names. */
function environmentOf(text: string): Record<string, string> {
  const names = [...text.matchAll(/\$\{([A-Z]\w*)\}/g)].map(([, name = '']) => name);
  const fitting = (name: string) => (name.endsWith('URL') ? 'https://x.example' : `${'A'.repeat(43)}=`);
  return Object.fromEntries(names.map((name) => [name, fitting(name)]));
}

describe('cupbearer init without a terminal', () => {
  it('writes a file that check passes once its variables are set', async () => {
    const { code, out, err } = await init('--provider', 'realer');
    expect([code, err]).toEqual([0, '']);
    expect(parse(written())).toEqual({
      credentials: {
        realer: {
          provider: 'realer',
          grant_type: 'client_credentials',
          client_id: '${REALER_CLIENT_ID}',
          client_secret: '${REALER_CLIENT_SECRET}',
        },
      },
      routes: { '/realer': { credential: 'realer' } },
    });
    expect(out).toContain(
      'Still missing:\n  the environment variable REALER_CLIENT_ID\n  the environment variable REALER_CLIENT_SECRET\n',
    );
    const checked = await cupbearer(['check', '-c', file], environmentOf(written()));
    expect(checked).toMatchObject({ code: 0, err: '' });
    expect(checked.out).toContain('/realer → https://api.therealer.com');
  });

  it('says what is missing and the next commands, in their order', async () => {
    const secret = join(directory, 'secrets/client');
    const { out } = await init('--provider', 'revo-digital', '--prefix', '/rd', '--secret-file', secret);
    const next = out
      .split('Next:\n')[1]
      ?.split('\n')
      .map((line) => line.trim().split('   #')[0]);
    expect(next).toEqual([
      `mkdir -p -m 700 ${directory}/secrets`,
      `(umask 077; openssl rand -base64 32 > ${directory}/secrets/store-key)`,
      `(umask 077; cat > ${secret})`,
      'export REVO_DIGITAL_CLIENT_ID=…',
      `cupbearer check -c ${file}`,
      `cupbearer login -c ${file} revo-digital`,
      `cupbearer serve -c ${file}`,
      'curl http://127.0.0.1:8080/rd/…',
      '',
    ]);
  });

  it('lets no secret be typed where the history of the shell keeps it', async () => {
    const { out } = await init('--provider', 'realer');
    expect(out).toContain(
      '  read -rs REALER_CLIENT_SECRET && export REALER_CLIENT_SECRET   # paste it, then Enter\n',
    );
    expect(out).not.toContain('export REALER_CLIENT_SECRET=');
  });

  it('takes what options say', async () => {
    const given = {
      '--provider': 'realer',
      '--prefix': '/things/v1',
      '--credential': 'things',
      '--client-id': 'cdv_1',
      '--secret-env': 'THINGS_SECRET',
      '--scope': 'a b',
      '--base-url': 'http://127.0.0.1:1234',
      '--upstream': '/iot',
    };
    await init(...Object.entries(given).flat());
    expect(parse(written())).toEqual({
      credentials: {
        things: {
          provider: 'realer',
          grant_type: 'client_credentials',
          base_url: 'http://127.0.0.1:1234',
          client_id: 'cdv_1',
          client_secret: '${THINGS_SECRET}',
          scope: 'a b',
        },
      },
      routes: { '/things/v1': { credential: 'things', upstream: '/iot' } },
    });
  });

  it('writes a vendor without a preset', async () => {
    const urls = ['--token-url', 'https://id.acme.example/token', '--upstream', 'https://api.acme.example'];
    expect((await init('--provider', 'oauth2', '--prefix', '/acme', ...urls)).code).toBe(0);
    expect(parse(written())).toMatchObject({
      providers: { acme: { extends: 'oauth2', token: { url: 'https://id.acme.example/token' } } },
      credentials: { acme: { provider: 'acme' } },
      routes: { '/acme': { credential: 'acme', upstream: 'https://api.acme.example' } },
    });
    expect((await cupbearer(['check', '-c', file], environmentOf(written()))).code).toBe(0);
  });

  it('keeps sessions in a store unless told otherwise', async () => {
    const text = (await init('--provider', 'revo-digital', '--stdout')).out;
    expect(parse(text)).toMatchObject({
      store: { url: 'sqlite:sessions.db', key: '${CUPBEARER_STORE_KEY}' },
    });
    const { err } = await init('--provider', 'revo-digital', '--store', 'memory:');
    expect(written()).not.toContain('store:');
    expect(err).toContain('the session is lost with the process');
  });

  it('prints the file alone with --stdout, and writes none', async () => {
    const { code, out } = await init('--provider', 'realer', '--stdout');
    expect([code, existsSync(file)]).toEqual([0, false]);
    expect(parse(out)).toHaveProperty('routes');
  });

  it('names the schema that lies beside the file for editors', async () => {
    writeFileSync(join(directory, 'routes.schema.json'), '{}');
    await init('--provider', 'realer');
    expect(written()).toMatch(/^# yaml-language-server: \$schema=\.\/routes\.schema\.json\n/);
  });
});

describe('cupbearer init refuses', () => {
  it.each([
    [['--provider', 'realr'], 'there is no provider "realr"; did you mean `realer`?'],
    [['--provider', 'toString'], 'there is no provider "toString"'],
    [[], 'which vendor? --provider NAME, one of: '],
    [['--provider', 'realer', '--grant-type', 'client_credential'], 'did you mean `client_credentials`?'],
    [['--provider', 'realer', '--prefix', 'realer'], 'a route prefix begins with a slash'],
    [
      ['--provider', 'realer', '--base-url', 'http://api.acme.example'],
      'http:// would show the client secret',
    ],
    [['--provider', 'realer', '--secret-env', 'A', '--secret-file', 'b'], '--secret-env'],
    [['--provider', 'realer-mqtt'], 'run first cupbearer init --provider realer, then'],
    [['--provider', 'realer', '--add'], 'without --add a new one is written'],
  ])('%j and writes nothing', async (args, message) => {
    const { code, out, err } = await init(...args);
    expect([code, out]).toEqual([2, '']);
    expect(err).toContain(message);
    expect(readdirSync(directory)).toEqual([]);
  });

  it('a secret in place of its name, without showing it', async () => {
    const { code, err } = await init('--provider', 'realer', '--secret-env', 'hunter2');
    expect([code, existsSync(file)]).toEqual([2, false]);
    expect(err).toContain('name the place, not the secret');
    expect(err).not.toContain('hunter2');
  });

  it('to overwrite, until --force says so; the permissions stay', async () => {
    writeFileSync(file, 'mine\n');
    chmodSync(file, 0o640);
    const { code, err } = await init('--provider', 'realer');
    expect([code, written()]).toEqual([2, 'mine\n']);
    expect(err).toContain('is there already; --add adds to it, --force replaces it');
    expect((await init('--provider', 'realer', '--force')).code).toBe(0);
    expect([statSync(file).mode & 0o777, readdirSync(directory)]).toEqual([0o640, ['routes.yaml']]);
    expect(parse(written())).toHaveProperty('credentials.realer');
  });
});

describe('the grant that cupbearer init writes', () => {
  const jwtBearer = 'urn:ietf:params:oauth:grant-type:jwt-bearer';

  it.each([
    ['google-service-account', jwtBearer, ''],
    ['auth0', 'client_credentials', '   # or authorization_code, refresh_token'],
    [
      'entra',
      'client_credentials',
      '   # or authorization_code, urn:ietf:params:oauth:grant-type:device_code, refresh_token',
    ],
    ['slack', 'authorization_code', '   # or refresh_token'],
    ['oauth2', 'client_credentials', '   # or authorization_code, refresh_token'],
  ])('for %s is %s', async (provider, grant, others) => {
    const { out } = await init('--provider', provider, '--stdout');
    expect(out).toContain(`    grant_type: ${grant}${others}\n`);
  });

  it('is what an option says, if the provider takes it', async () => {
    await init('--provider', 'entra', '--grant-type', 'device_code');
    expect(written()).toContain('grant_type: urn:ietf:params:oauth:grant-type:device_code   # or client_cr');
    const { code, err } = await init('--force', '--provider', 'entra', '--grant-type', 'password');
    expect(code).toBe(2);
    expect(err).toContain('credentials.entra.grant_type: provider entra does not take grant_type password;');
  });

  it('by assertion names who signs, or of a service account, whose key file does, what is asked for', async () => {
    const service = await init('--provider', 'google-service-account', '--stdout');
    expect(service.out).toMatch(/assertion_claims:\n +scope: \$\{GOOGLE_SERVICE_ACCOUNT_SCOPE\}\n\n/);
    const person = await init('--provider', 'docusign', '--stdout');
    expect(person.out).toMatch(/assertion_claims:\n +iss: .*\n +sub: /);
  });

  it('may be a login whose address no preset has', async () => {
    await init('--provider', 'revolution', '--grant-type', 'authorization_code');
    expect(parse(written())).toMatchObject({
      providers: { revolution: { extends: 'revolution', authorize: { url: '${REVOLUTION_LOGIN_URL}' } } },
      credentials: { revolution: { provider: 'revolution', grant_type: 'authorization_code' } },
    });
    expect((await cupbearer(['check', '-c', file], environmentOf(written()))).code).toBe(0);
  });
});

describe('cupbearer init for each preset', () => {
  it.each(Object.keys(presets))('%s', async (name) => {
    const first = await init('--provider', name);
    if (first.code === 2) {
      const lender = /run first cupbearer init --provider (\S+), then/.exec(first.err)?.[1] ?? first.err;
      expect((await init('--provider', lender)).code).toBe(0);
      expect((await init('--add', '--provider', name)).code).toBe(0);
    }
    const { err } = await cupbearer(['check', '-c', file], environmentOf(written()));
    const faults = err.split('\n').filter((line) => /^\S+:\d+:\d+: (?!warning)/.test(line));
    // Keys and certificates are not made here.
    expect(
      faults.filter(
        (line) => !/cannot read the file|this is no private key|there is no such file/.test(line),
      ),
    ).toEqual([]);
  });
});

describe('cupbearer init --add', () => {
  const before = `# ours
credentials:
    # the first
    realer:   # one
        provider: realer
        client_id: me
        client_secret: \${S}   # secret
    # nothing follows

routes:
    /realer: { credential: realer }   # inline
# the end
`;

  it('puts a vendor behind the others and leaves every other byte as it was', async () => {
    writeFileSync(file, before, { mode: 0o600 });
    const { code, err } = await init('--add', '--provider', 'revolv3');
    expect([code, err]).toEqual([0, '']);
    const after = written();
    const left = after.split('\n').filter((line) => !/revolv3|REVOLV3|client_credentials/.test(line));
    expect(left.join('\n')).toBe(before);
    expect(after).toContain('# secret\n    revolv3:\n');
    expect(after).toContain('# inline\n    /revolv3:\n');
    const env = { ...environmentOf(after), S: 'x' };
    expect((await cupbearer(['check', '-c', file], env)).out.split('\n')).toHaveLength(3);
  });

  it('prints nothing of the file that a terminal would obey', async () => {
    const path = '"${file:/tmp/\\e]0;x\\a\\e[2J}"';
    writeFileSync(file, `credentials:\n  a: { client_secret: ${path} }\n`);
    const { code, out } = await init('--add', '--provider', 'realer');
    expect([code, out]).toEqual([0, expect.stringContaining('the file /tmp/ ]0;x')]);
    expect(out).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f]/);
  });

  it('adds a store once, and a section that is not there', async () => {
    writeFileSync(file, before, { mode: 0o600 });
    await init('--add', '--provider', 'revo-digital');
    await init('--add', '--provider', 'vbrick-rev');
    expect(written().match(/^store:$/gm)).toHaveLength(1);
    expect(Object.keys((parse(written()) as { credentials: object }).credentials)).toEqual([
      'realer',
      'revo-digital',
      'vbrick-rev',
    ]);
  });

  it.each([
    [before, ['--provider', 'realer'], 'credentials has realer already'],
    [before, ['--provider', 'revolv3', '--prefix', '/realer'], 'routes has /realer already'],
    [
      before.replace(
        'routes:\n    /realer: { credential: realer }',
        'routes: { /realer: { credential: realer } }',
      ),
      ['--provider', 'revolv3'],
      'routes is written in braces; add to it by hand:',
    ],
    ['- a\n', ['--provider', 'realer'], 'the file is not one to add to'],
    ['a: "\n', ['--provider', 'realer'], 'the file is not one to add to'],
  ])('refuses what does not fit, and leaves the file', async (text, args, message) => {
    writeFileSync(file, text);
    const { code, err } = await init('--add', ...args);
    expect([code, written()]).toEqual([2, text]);
    expect(err).toContain(message);
  });
});
