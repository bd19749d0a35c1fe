import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { load } from '../../src/config/load.ts';
import { presets } from '../../src/provider/presets.ts';
import { resolveProvider } from '../../src/provider/resolve.ts';

/* docs/providers.md against the presets. */

const page = readFileSync(new URL('../../docs/providers.md', import.meta.url), 'utf8');
const [intro = '', ...rest] = page.split(/^## /m);
const sections = rest.map((text) => {
  const [heading = ''] = text.split('\n');
  return { heading, names: heading.split(', '), text, blocks: blocksOf(text) };
});
const names = Object.keys(presets).sort();

interface Row {
  readonly preset: string;
  readonly grants: readonly string[];
  readonly client_auth: string;
  readonly encoding: string;
}

const rows = intro.split('\n').flatMap((line): Row[] => {
  const [, preset = '', grants = '', client_auth = '', encoding = ''] = line
    .split('|')
    .map((cell) => cell.trim());
  if (!/^`[a-z0-9-]+`$/.test(preset)) return [];
  const plain = (cell: string) => cell.replaceAll('`', '');
  return [
    {
      preset: plain(preset),
      grants: plain(grants).split(', '),
      client_auth: plain(client_auth),
      encoding: plain(encoding),
    },
  ];
});

function blocksOf(text: string): string[] {
  return [...text.matchAll(/^```yaml\n(.*?)^```$/gms)].map(([, block = '']) => block);
}

const pem = String(
  generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' }),
);
const keyFile = JSON.stringify({ private_key: pem, private_key_id: 'k', client_email: 'robot@acme.example' });

const storeKey = Buffer.alloc(32).toString('base64');

function readFile(path: string): string {
  if (path.endsWith('.json')) return keyFile;
  if (path.endsWith('/store')) return storeKey;
  return path.endsWith('.pem') ? pem : 'text';
}

/** The block loaded where every variable it names is set. */
function loaded(block: string) {
  const named = [...block.matchAll(/\$\{(?:env:)?([A-Z0-9_]+)/g)].map(([, name = '']) => name);
  const variables = named.map((name) => [name, name === 'STORE_KEY' ? storeKey : 'text']);
  return load(block, {
    file: '/etc/cupbearer/routes.yaml',
    env: Object.fromEntries(variables),
    readFile,
    presets,
  });
}

const grantOf = (grant: string) => grant.slice(grant.lastIndexOf(':') + 1);

test('every preset has a section and a row, in order, and nothing else has', () => {
  expect(sections.flatMap((section) => section.names).sort()).toEqual(names);
  expect(rows.map(({ preset }) => preset)).toEqual(names);
});

test('the sections are in the order of their names', () => {
  const headings = sections.map(({ heading }) => heading);
  expect(headings).toEqual(headings.toSorted());
});

describe.each(sections)('the section $heading', ({ names: own, text, blocks }) => {
  test('has configurations that load', () => {
    expect(blocks.length).toBeGreaterThan(0);
    for (const block of blocks) {
      const { config, problems } = loaded(block);
      const errors = problems.filter(({ level }) => level === 'error');
      expect(errors.map(({ line, message }) => `${line}: ${message}`)).toEqual([]);
      expect(config).toBeDefined();
    }
  });

  test('shows its first preset in use, and names the others', () => {
    const [first = '', ...others] = own;
    const uses = new RegExp(`(?:provider|extends): ${first}[\\s,]`);
    if (first !== 'oauth2') expect(blocks.join('')).toMatch(uses);
    for (const name of others) expect(text.slice(text.indexOf('\n'))).toMatch(new RegExp(`\\b${name}\\b`));
  });

  test('asks for grants that the table has', () => {
    for (const block of blocks) {
      for (const { provider, grant_type } of Object.values(loaded(block).config?.credentials ?? {})) {
        const row = rows.find(({ preset }) => preset === provider);
        if (row !== undefined && provider !== 'oauth2') expect(row.grants).toContain(grantOf(grant_type));
      }
    }
  });

  test('names its source', () => {
    expect(text).toMatch(/https:\/\/|"[A-Z]|RFC \d+/);
  });
});

test('the introduction has configurations that load', () => {
  for (const block of blocksOf(intro)) {
    expect(loaded(block).problems.filter(({ level }) => level === 'error')).toEqual([]);
  }
});

describe.each(rows.filter(({ preset }) => preset !== 'oauth2'))('the row of $preset', (row) => {
  const isStatic = row.grants[0] === 'static';
  const provider = resolveProvider(row.preset, {}, presets, {}, { asks: !isStatic });

  test('says how the token request is made', () => {
    const { client_auth, encoding } = isStatic ? { client_auth: '–', encoding: '–' } : provider.token;
    expect([row.client_auth, row.encoding]).toEqual([client_auth, encoding]);
  });

  test('has the grants of the preset, the usual one first', () => {
    expect(row.grants).toEqual(provider.grant_types?.map(grantOf));
  });

  test('has a login where people log in, and codes where a device gets them', () => {
    expect(row.grants.includes('authorization_code')).toBe(provider.authorize !== undefined);
    expect(row.grants.includes('device_code')).toBe(provider.device_authorization !== undefined);
  });
});
