import { describe, expect, it } from 'vitest';
import type { CredentialConfig } from '../../src/config/schema.ts';
import { Secret } from '../../src/config/secret.ts';
import { answer, type Script, type TokenCall } from '../support/token-endpoint.ts';
import { carried, credentialConfig, failure, hour, openRoom } from './setting.ts';

/** The client secret a call came with. */
function secretOf({ headers }: TokenCall): string {
  const [, pair = ''] = (headers.authorization ?? '').split(' ');
  return Buffer.from(pair, 'base64').toString().split(':')[1] ?? '';
}

/** A provider that takes these secrets, whichever they are at the time. */
const taking =
  (secrets: ReadonlySet<string>): Script =>
  (count, call) =>
    secrets.has(secretOf(call))
      ? { json: answer(`t${count}`, 3600) }
      : { status: 401, json: { error: 'invalid_client' } };

const listed = (texts: string[], over: Partial<CredentialConfig> = {}) =>
  credentialConfig({ client_secret: texts.map((text) => new Secret(text)), ...over });

describe('a list of client secrets', () => {
  it('works at once when the first has been rotated out, and remembers the second', async () => {
    const { clock, endpoint, registry } = await openRoom(taking(new Set(['new'])), {
      credentials: { acme: listed(['old', 'new']) },
    });
    expect(carried(await registry.get('acme').acquire())).toBe('t2');
    for (let i = 3; i < 6; i++) {
      clock.step(hour);
      expect(carried(await registry.get('acme').acquire())).toBe(`t${i}`);
    }
    expect(endpoint.calls.map(secretOf)).toEqual(['old', 'new', 'new', 'new', 'new']);
  });

  it('is remembered for every tenant', async () => {
    const { endpoint, registry } = await openRoom(taking(new Set(['new'])), {
      credentials: { acme: listed(['old', 'new'], { tenant: { header: 'x-tenant', max: 9 } }) },
    });
    for (const tenant of ['a', 'b', 'c']) await registry.get('acme', tenant).acquire();
    expect(endpoint.calls.map(secretOf)).toEqual(['old', 'new', 'new', 'new']);
  });

  it('goes back to the first when that is the one that is good', async () => {
    const good = new Set(['b']);
    const { clock, endpoint, registry } = await openRoom(taking(good), {
      credentials: { acme: listed(['a', 'b', 'c']) },
    });
    await registry.get('acme').acquire();
    good.clear();
    good.add('a');
    clock.step(hour);
    await registry.get('acme').acquire();
    expect(endpoint.calls.map(secretOf)).toEqual(['a', 'b', 'b', 'c', 'a']);
  });

  it('is tried once each when none is good, then no more', async () => {
    const { endpoint, registry } = await openRoom(taking(new Set()), {
      credentials: { acme: listed(['a', 'b', 'b', 'c']) },
    });
    for (let i = 0; i < 50; i++) await failure(() => registry.get('acme').acquire(), 'token-refused');
    expect(endpoint.calls.map(secretOf)).toEqual(['a', 'b', 'c']);
  });

  it('is not gone through for a refusal that is not about the client', async () => {
    const { endpoint, registry } = await openRoom(() => ({ status: 400, json: { error: 'invalid_scope' } }), {
      credentials: { acme: listed(['a', 'b']) },
    });
    await failure(() => registry.get('acme').acquire(), 'token-refused');
    expect(endpoint.calls.length).toBe(1);
  });

  it('is used one each by requests at the same time', async () => {
    const { endpoint, registry } = await openRoom(taking(new Set(['new'])), {
      credentials: { acme: listed(['old', 'new'], { tenant: { header: 'x-tenant', max: 9 } }) },
    });
    await Promise.all(['a', 'b', 'c', 'd'].map(async (one) => registry.get('acme', one).acquire()));
    const sent = endpoint.calls.map(secretOf);
    expect(sent.filter((one) => one === 'new')).toHaveLength(4);
    expect(sent.length).toBeLessThanOrEqual(8);
  });
});

describe('a refused client', () => {
  it('reads its secrets again once, and tries those that are new', async () => {
    const texts = ['a', 'b'];
    const secrets = texts.map((text, at) => new Secret(text, () => texts[at] ?? ''));
    const { endpoint, registry } = await openRoom(taking(new Set(['d'])), {
      credentials: { acme: credentialConfig({ client_secret: secrets }) },
    });
    texts[1] = 'd';
    expect(carried(await registry.get('acme').acquire())).toBe('t3');
    expect(endpoint.calls.map(secretOf)).toEqual(['a', 'b', 'd']);
  });

  it('tries nothing again when the secrets are what they were', async () => {
    let reads = 0;
    const secret = new Secret('a', () => {
      reads++;
      return 'a';
    });
    const { endpoint, registry } = await openRoom(taking(new Set()), {
      credentials: { acme: credentialConfig({ client_secret: secret }) },
    });
    await failure(() => registry.get('acme').acquire(), 'token-refused');
    expect(reads).toBe(1);
    expect(endpoint.calls.length).toBe(1);
  });

  it('is told as it is when the source of its secret cannot be read', async () => {
    const secret = new Secret('a', () => {
      throw new Error('gone');
    });
    const { endpoint, registry } = await openRoom(taking(new Set()), {
      credentials: { acme: credentialConfig({ client_secret: secret }) },
    });
    const { message } = await failure(() => registry.get('acme').acquire(), 'token-refused');
    expect(message).toContain('refused the client (invalid_client)');
    expect(endpoint.calls.length).toBe(1);
  });
});
