import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type BadCertificates, badCertificates, type Kind } from '../support/bad-certificates.ts';
import { type BlackHole, blackHole } from '../support/black-hole.ts';
import { type Authority, authority } from '../support/client-certificate.ts';
import {
  answer,
  startTokenEndpoint,
  type TokenEndpoint,
  type TokenReply,
} from '../support/token-endpoint.ts';
import { checkOnline, checkOnlineText } from './online.ts';

const secret = 'S3CR3T-of-the-client';
let endpoint: TokenEndpoint;
beforeEach(async () => {
  endpoint = await startTokenEndpoint();
});
afterEach(() => endpoint.close());

/** One credential, `acme`, at `url`; its upstream is the token endpoint's own origin. */
function acme(more = '', { url = endpoint.url, token = '', response = '' } = {}): string {
  return `
providers:
  acme: { token: { url: "${url}" ${token} }, response: { ${response} } }
credentials:
  acme: { provider: acme, client_id: me, client_secret: ${secret} ${more} }
routes:
  /acme: { credential: acme, upstream: "${new URL(endpoint.url).origin}" }
`;
}

async function checked(text: string, ...args: string[]) {
  const { credentials, code, out, err } = await checkOnline(text, ...args);
  expect(out + err).not.toContain(secret);
  const [one] = credentials;
  if (one === undefined) throw new Error(`no credential was checked: ${err}`);
  return { ...one, code };
}

function answers(reply: TokenReply): void {
  endpoint.script = () => reply;
}

const dated = (ms: number) => ({ date: new Date(Date.now() + ms).toUTCString() });

describe('check --online, of a credential', () => {
  it('prints JSON in which nothing is left that a terminal would obey', async () => {
    const scope = 'a\u009b2J\u202eb\u001b]0;x\u0007';
    answers({ json: answer('t', 60, { scope }) });
    const { out, credentials } = await checkOnline(acme());
    expect(credentials[0]?.token?.scope).toBe(scope);
    expect(out.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  });

  it('fetches a token once and tells how long it lives', async () => {
    const { code, ...one } = await checked(acme());
    expect([code, one.result, one.detail]).toEqual([0, 'ok', 'a token for 1h']);
    expect(one).toMatchObject({ token: { from: 'provider', expires_in: 3600 }, token_url: endpoint.url });
    expect(one).not.toHaveProperty('what_to_do');
    expect(endpoint.calls).toHaveLength(1);
  });

  it.each<[string, TokenReply, RegExp, RegExp]>([
    [
      'a wrong secret',
      { status: 401, json: { error: 'invalid_client' } },
      /401 invalid_client/,
      /^check client_id and client_secret, and that the provider takes client_auth client_secret_basic$/,
    ],
    ['an unknown scope', { status: 400, json: { error: 'invalid_scope' } }, /invalid_scope/, /^check scope/],
    [
      'an unknown grant',
      { status: 400, json: { error: 'unsupported_grant_type' } },
      /unsupported_grant_type/,
      /^check grant_type: the provider does not know it/,
    ],
    [
      'a grant the client may not use',
      { status: 400, json: { error: 'unauthorized_client' } },
      /unauthorized_client/,
      /^check grant_type: .* this client/,
    ],
    ['no such path', { status: 404, raw: 'nothing' }, /answered 404$/, /^check token\.url/],
    ['another method wanted', { status: 405, raw: '' }, /answered 405$/, /token\.url and token\.method/],
    ['another media type wanted', { status: 415, raw: '' }, /answered 415$/, /token\.encoding/],
    [
      'a redirect',
      { status: 302, headers: { location: 'https://id.acme.example/login?x=1' }, raw: '' },
      /answered 302/,
      /check token\.url; this one leads to https:\/\/id\.acme\.example\/login$/,
    ],
    [
      'an HTML page',
      { headers: { 'content-type': 'text/html' }, raw: '<!doctype html><p>Log in' },
      /HTML page/,
      /^check token\.url: a page for people/,
    ],
    [
      'a token elsewhere',
      { json: { data: { accessToken: 'abcdefgh12345' }, token_type: 'Bearer' } },
      /has no access_token/,
      /^check response\.access_token, now access_token; the answer has data\.accessToken$/,
    ],
    ['a provider in trouble', { status: 503, raw: '' }, /answered 503$/, /ask the provider/],
    ['a token that had expired', { json: answer('t', 0) }, /expired when it arrived/, /response\.expires/],
  ])('tells %s from other failures, and what to do', async (_, reply, detail, todo) => {
    answers(reply);
    const one = await checked(acme());
    expect(one).toMatchObject({ code: 1, result: 'failed' });
    expect(one.detail).toMatch(detail);
    expect(one.what_to_do).toMatch(todo);
    expect(one.detail).not.toContain(one.what_to_do);
  });

  it('shows nothing of a redirect that repeats a secret', async () => {
    answers({ status: 302, headers: { location: `https://id.acme.example/${secret}` }, raw: '' });
    expect((await checked(acme())).what_to_do).toBe('redirects are not followed, check token.url');
  });

  it.each<[string, TokenReply, string, RegExp]>([
    ['gives no lifetime', { json: answer('t') }, '', /no lifetime.*default_lifetime \(5m\) is used/],
    [
      'gives less scope',
      { json: answer('t', 60, { scope: 'read' }) },
      ', scope: "read write"',
      /less than scope asks for: write is missing/,
    ],
    ['has a clock ahead', { json: answer('t', 60), headers: dated(300_000) }, '', /clock is [45]m.* behind/],
    [
      'has a clock behind',
      { json: answer('t', 60), headers: dated(-300_000) },
      '',
      /clock is [45]m.* ahead of/,
    ],
  ])('warns when the provider %s, and ends with 0', async (_, reply, more, warning) => {
    answers(reply);
    const one = await checked(acme(more));
    expect(one).toMatchObject({ code: 0, result: 'warning' });
    expect(one.warnings).toEqual([expect.stringMatching(warning)]);
  });

  it('says nothing of a clock that is off by seconds', async () => {
    answers({ json: answer('t', 60), headers: dated(25_000) });
    expect((await checked(acme())).result).toBe('ok');
  });

  it('names the clock as the likely cause when assertions are refused', async () => {
    answers({ status: 401, json: { error: 'invalid_client' }, headers: dated(300_000) });
    const one = await checked(acme('', { token: ', client_auth: client_secret_jwt' }));
    expect(one.what_to_do).toMatch(/clock is .* behind the provider's.*likely cause/);
    const plain = await checked(acme());
    expect(plain.what_to_do).toMatch(/^check client_id/);
    expect(plain.warnings).toEqual([expect.stringMatching(/clock/)]);
  });

  it('tells what a person has to look at, and where', async () => {
    answers({ status: 401, json: { error: 'invalid_client' } });
    const { code, out } = await checkOnlineText(acme());
    expect(code).toBe(1);
    expect(out).toMatch(
      /^CREDENTIAL {2}RESULT {2}DETAIL\nacme {8}failed {2}the token endpoint answered 401 /m,
    );
    expect(out).toContain(`\n    at ${endpoint.url}\n    → check client_id and client_secret`);
    expect(out).toMatch(/\n1 ok, 1 failed\.\n$/);
  });

  it('asks at most eight at a time, and each once', async () => {
    let now = 0;
    let most = 0;
    endpoint.script = async (count) => {
      most = Math.max(most, ++now);
      await new Promise((resolve) => setTimeout(resolve, 30));
      now--;
      return { json: answer(`t${count}`, 60) };
    };
    const names = Array.from({ length: 20 }, (_, i) => `c${i}`);
    const text = acme().replace(
      /^ {2}acme: \{ provider.*$/m,
      names
        .map((name) => `  ${name}: { provider: acme, client_id: me, client_secret: ${secret} }`)
        .join('\n'),
    );
    const { credentials } = await checkOnline(text.replace('credential: acme', 'credential: c0'));
    expect(credentials.map(({ credential, result }) => [credential, result])).toEqual(
      names.map((name) => [name, 'ok']),
    );
    expect([endpoint.calls.length, most]).toEqual([20, 8]);
  });

  it('waits no longer than --timeout', async () => {
    answers({ silent: true });
    const one = await checked(acme(), '--timeout', '200ms');
    expect(one).toMatchObject({ result: 'failed', detail: 'there was no answer within 0.2 s' });
    expect(one.ms).toBeLessThan(2_000);
  });

  it.each([
    [['--timeout', 'soon'], /--timeout is a duration/],
    [['--tenant', 'a b'], /visible ASCII/],
  ])('refuses %j', async (args, why) => {
    const { code, err, out } = await checkOnline(acme(), ...args);
    expect([code, out]).toEqual([2, '']);
    expect(err).toMatch(why);
    expect(endpoint.calls).toEqual([]);
  });

  it('leaves out credentials with tenants unless it is told one', async () => {
    const text = acme(', tenant: { header: X-Tenant }', { token: ', headers: { X-Tenant: "{tenant}" }' });
    const without = await checked(text);
    expect(without).toMatchObject({
      code: 0,
      result: 'skipped',
      what_to_do: expect.stringContaining('--tenant'),
    });
    expect(endpoint.calls).toEqual([]);
    expect(await checked(text, '--tenant', 'one')).toMatchObject({ code: 0, result: 'ok', tenant: 'one' });
    expect(endpoint.calls[0]?.headers['x-tenant']).toBe('one');
  });

  it('says whose token is missing to a credential that uses it', async () => {
    answers({ status: 401, json: { error: 'invalid_client' } });
    const { credentials } = await checkOnline(
      acme()
        .replace(
          'credentials:',
          `  lent: { token: { url: "${endpoint.url}", client_auth: none } }\ncredentials:\n  lent: { provider: lent, using: acme }`,
        )
        .replace('credential: acme', 'credential: lent'),
    );
    expect(credentials.map(({ result }) => result)).toEqual(['failed', 'failed']);
    expect(credentials[0]?.what_to_do).toContain('see credential acme');
  });
});

describe('check --online, of a token endpoint that cannot be reached', () => {
  let certificates: BadCertificates;
  let ours: Authority;
  let hole: BlackHole;
  beforeAll(async () => {
    certificates = badCertificates();
    ours = authority();
    hole = await blackHole();
  });
  afterAll(async () => {
    certificates.remove();
    ours.remove();
    await hole.close();
  });

  async function withServer<T>(options: object, use: (url: string) => Promise<T>): Promise<T> {
    const lax = { ciphers: 'DEFAULT@SECLEVEL=0', ...options };
    const server = createServer(lax, (_request, response) => {
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(answer('t', 60)));
    });
    server.on('tlsClientError', () => {});
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      return await use(`https://localhost:${(server.address() as AddressInfo).port}/token`);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  }

  it.each<[Kind, RegExp, RegExp]>([
    ['expired', /certificate has expired/, /clock is wrong/],
    ['not yet valid', /not valid yet/, /clock/],
    ['for another host', /for another host/, /check the host/],
    ['of an unknown authority', /authority.*unknown/, /check tls\.ca of the credential/],
    ['without its intermediate', /intermediate/, /check tls\.ca of the credential/],
    ['signed by itself', /signed by itself/, /tls\.ca of the credential/],
    ['with a weak key', /too weak/, /operator must renew/],
  ])('says that its certificate is %s', async (kind, detail, todo) => {
    const one = await withServer(certificates.pairs[kind], (url) =>
      checked(acme(`, tls: { ca: ${certificates.root} }`, { url })),
    );
    expect(one).toMatchObject({ code: 1, result: 'failed' });
    expect(one.detail).toMatch(detail);
    expect(one.what_to_do).toMatch(todo);
  });

  it('takes a good certificate', async () => {
    const one = await withServer(certificates.pairs.good, (url) =>
      checked(acme(`, tls: { ca: ${certificates.root} }`, { url })),
    );
    expect(one.result).toBe('ok');
  });

  it('says that a client certificate may be missing', async () => {
    const mutual = { ...certificates.pairs.good, ca: ours.cert, requestCert: true, rejectUnauthorized: true };
    const one = await withServer(mutual, (url) =>
      checked(acme(`, tls: { ca: ${certificates.root} }`, { url })),
    );
    expect(one.result).toBe('failed');
    expect(one.what_to_do).toMatch(/client certificate, set tls\.cert and tls\.key of the credential/);
  });

  it.each([
    ['no name', 'https://nowhere.invalid/token', /ENOTFOUND|EAI_AGAIN/, /host in token\.url, and DNS/],
    ['a closed port', 'http://127.0.0.1:1/token', /ECONNREFUSED/, /address in token\.url/],
  ])('says that there is %s', async (_, url, detail, todo) => {
    const one = await checked(acme('', { url }));
    expect(one.result).toBe('failed');
    expect(one.detail).toMatch(detail);
    expect(one.what_to_do).toMatch(todo);
  });

  it('waits for a connection no longer than --timeout', async () => {
    const one = await checked(acme('', { url: `http://127.0.0.1:${hole.port}/token` }), '--timeout', '300ms');
    expect(one.detail).toBe('there was no answer within 0.3 s');
    expect(one.what_to_do).toMatch(/network/);
  });
});
