import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { build, field, refusal, url } from './building.ts';

describe('encoding', () => {
  test('form: spaces become +, everything reserved is escaped, a list repeats its name', () => {
    const request = build({
      token: { params: { scope: 'a b&c=d+é', resource: ['https://x/', 'https://y/'], n: 5, yes: true } },
    });
    expect(request.body).toBe(
      'grant_type=client_credentials&scope=a+b%26c%3Dd%2B%C3%A9&resource=https%3A%2F%2Fx%2F&resource=https%3A%2F%2Fy%2F&n=5&yes=true',
    );
    expect(field(request, 'content-type')).toBe('application/x-www-form-urlencoded');
    expect(field(request, 'accept')).toBe('application/json');
  });

  test('json: numbers, nesting and inner nulls are kept, inner placeholders rendered or left out', () => {
    const request = build({
      token: {
        encoding: 'json',
        client_auth: 'none',
        params: {
          expires_in: 1800,
          login: { name: '{client_id}', site: '{site}', list: ['{site}', null, false] },
        },
      },
    });
    expect(request.body).toBe(
      '{"grant_type":"client_credentials","client_id":"me","expires_in":1800,"login":{"name":"me","list":[null,false]}}',
    );
    expect(field(request, 'content-type')).toBe('application/json');
  });

  test('query: the URL keeps its query, and there is neither body nor content type', () => {
    const request = build({ token: { url: `${url}?v=1`, encoding: 'query' } });
    expect(request).toMatchObject({ url: `${url}?v=1&grant_type=client_credentials`, body: undefined });
    expect(field(request, 'content-type')).toBeUndefined();
    expect(build({ token: { encoding: 'query' } }, { params: {} }).url).toBe(url);
  });

  test('GET carries a form in the query', () => {
    const request = build({ token: { method: 'GET' } });
    expect(request).toMatchObject({
      method: 'GET',
      url: `${url}?grant_type=client_credentials`,
      body: undefined,
    });
  });

  test.each(['form', 'json'] as const)(
    'DELETE carries %s as POST does, and no body when there is nothing',
    (encoding) => {
      const spec = { token: { method: 'DELETE', encoding } } as const;
      const whole = build(spec);
      expect(whole.method).toBe('DELETE');
      expect(whole.body).toBe(build({ token: { encoding } }).body);
      expect(field(whole, 'content-type')).toContain(encoding);
      const empty = build(spec, { params: {} });
      expect(empty.body).toBeUndefined();
      expect(field(empty, 'content-type')).toBeUndefined();
    },
  );

  test('POST without parameters has an empty form, or an empty object', () => {
    expect(build({}, { params: {} }).body).toBe('');
    expect(build({ token: { encoding: 'json' } }, { params: {} }).body).toBe('{}');
  });

  test('placeholders in path and query are filled percent-encoded', () => {
    const token = { url: 'https://id.acme.example/{tenant}/token?for={client_id}&v={{x}}' };
    const input = { placeholders: { tenant: 'a/b?c#d e%2e', x: 'y' }, client: { id: 'me&you', secret: 's' } };
    expect(build({ token }, input).url).toBe(
      'https://id.acme.example/a%2Fb%3Fc%23d%20e%252e/token?for=me%26you&v={y}',
    );
  });

  test('an object needs json', () => {
    const error = refusal(() => build({ token: { params: { claims: { a: 1 } } } }));
    expect(error.code).toBe('configuration-invalid');
    expect(error.message).toContain('claims');
  });

  const texts = fc.dictionary(
    fc.string({ unit: 'grapheme', minLength: 1 }),
    fc.string({ unit: 'grapheme', minLength: 1 }),
  );
  const plain = (value: string): boolean => !/[{}]/.test(value);

  test('whatever the texts, a form reads back as it was written', () => {
    fc.assert(
      fc.property(texts, (params) => {
        fc.pre(Object.values(params).every(plain));
        const body = build({ token: { params } }, { params: {} }).body ?? '';
        expect([...new URLSearchParams(body)].sort()).toEqual(Object.entries(params).sort());
      }),
    );
  });

  test('whatever the values, JSON reads back as it was written', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (params) => {
        const written = JSON.stringify(params);
        fc.pre(
          plain(written.replace(/[{}](?=["\s,:[\]{}]|$)/g, '')) && !Object.values(params).includes(null),
        );
        const token = { encoding: 'json', client_auth: 'none', params: JSON.parse(written) } as const;
        const { body } = build({ token }, { params: {}, client: {} });
        expect(JSON.parse(body ?? '')).toEqual(JSON.parse(written));
      }),
    );
  });

  test('whatever id and secret, both Basic encodings decode to them', () => {
    const text = fc.string({ unit: 'grapheme', minLength: 1 });
    fc.assert(
      fc.property(text, text, (id, secret) => {
        const decoded = (basic_encoding: 'raw' | 'rfc6749'): string => {
          const request = build({ token: { basic_encoding } }, { client: { id, secret } });
          return Buffer.from(field(request, 'authorization')?.slice(6) ?? '', 'base64').toString();
        };
        expect(decoded('raw')).toBe(`${id}:${secret}`);
        const [user = '', password = ''] = decoded('rfc6749').split(':');
        expect(new URLSearchParams(`u=${user}&p=${password}`)).toEqual(
          new URLSearchParams([
            ['u', id],
            ['p', secret],
          ]),
        );
      }),
    );
  });
});
