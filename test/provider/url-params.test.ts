import { describe, expect, test } from 'vitest';
import { build, field, refusal } from './building.ts';

const spec = { token: { url: 'https://id.acme.example/apps/{app}/token', params: { grant_type: null } } };

describe("a credential's parameter that the URL has", () => {
  test('goes there, percent-encoded, and nowhere else', () => {
    const built = build(spec, { credentialParams: { app: 'a/b', region: 'eu' } });
    expect(built.url).toBe('https://id.acme.example/apps/a%2Fb/token');
    expect(built.body).toBe('region=eu');
  });

  test('may be a number, or name the tenant', () => {
    const at = (app: string | number) =>
      build(spec, { credentialParams: { app }, placeholders: { tenant: 't1' } }).url;
    expect(at(12345)).toBe('https://id.acme.example/apps/12345/token');
    expect(at('{tenant}')).toBe('https://id.acme.example/apps/t1/token');
    expect(at('x-{tenant}')).toBe('https://id.acme.example/apps/x-t1/token');
  });

  test('does not take the place of what the request itself has', () => {
    const own = { token: { url: 'https://id.acme.example/{client_id}/token' } };
    const built = build(own, { credentialParams: { client_id: 'other' }, client: { id: 'me', secret: 's' } });
    expect(built.url).toBe('https://id.acme.example/me/token');
    expect(built.body).toContain('client_id=other');
  });

  test('cannot make a dot segment, and must be there', () => {
    expect(refusal(() => build(spec, { credentialParams: { app: '..' } })).code).toBe('token-refused');
    expect(refusal(() => build(spec, { credentialParams: { app: null } })).code).toBe(
      'configuration-invalid',
    );
    expect(refusal(() => build(spec)).message).toContain('{app}');
  });
});

test('a client assertion goes into a field, and out of the parameters', () => {
  const built = build(
    {
      token: {
        client_auth: 'private_key_jwt',
        params: { client_assertion: null, client_assertion_type: null, client_id: null },
        headers: { Authorization: 'Bearer {client_assertion}' },
      },
    },
    { client: { id: 'me', assertion: 'a.b.c' } },
  );
  expect(field(built, 'authorization')).toBe('Bearer a.b.c');
  expect(built.body).toBe('grant_type=client_credentials');
});
