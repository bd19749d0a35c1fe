import { type AddressInfo, createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { afterEach, describe, expect, it } from 'vitest';
import { isLoopbackUri, type Loopback, listenForRedirect, namedPort } from '../../src/cli/loopback.ts';

const hasIpv6 = Object.values(networkInterfaces())
  .flat()
  .some((one) => one?.address === '::1');

describe('an address that the browser comes back to', () => {
  const open: { close(): unknown }[] = [];
  afterEach(async () => {
    for (const one of open.splice(0)) await one.close();
  });

  async function listening(redirectUri: string | undefined, port = 0): Promise<Loopback<string>> {
    const page = { status: 200, headers: {}, body: 'here' };
    const loopback = await listenForRedirect<string>({ redirectUri, port, answer: async () => ({ page }) });
    open.push(loopback);
    return loopback;
  }

  async function occupy(host: string, port = 0): Promise<number> {
    const server = createServer();
    open.push(server);
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, host, resolve);
    });
    return (server.address() as AddressInfo).port;
  }

  const bodyAt = async (url: string) => (await fetch(url)).text();

  it.runIf(hasIpv6)('under the name localhost is listened at on both loopback addresses', async () => {
    const { redirectUri } = await listening('http://localhost/callback');
    const { port } = new URL(redirectUri);
    expect(redirectUri).toBe(`http://localhost:${port}/callback`);
    for (const host of ['127.0.0.1', '[::1]', 'localhost'])
      expect(await bodyAt(`http://${host}:${port}/callback`)).toBe('here');
  });

  it.runIf(hasIpv6).each(['127.0.0.1', '::1'])(
    'under the name localhost is refused when another program has its port on %s',
    async (host) => {
      const port = await occupy(host);
      await expect(listening(`http://localhost:${port}/callback`)).rejects.toMatchObject({
        code: 'login-failed',
        message: expect.stringContaining(`http://localhost:${port}/callback`),
      });
      // Nothing is left of the other half.
      await occupy(host === '::1' ? '127.0.0.1' : '::1', port);
    },
  );

  it('is listened at nowhere else', async () => {
    const { redirectUri } = await listening('http://127.0.0.1/callback');
    const { port } = new URL(redirectUri);
    if (hasIpv6) await expect(fetch(`http://[::1]:${port}/callback`)).rejects.toThrow();
    expect(await bodyAt(redirectUri)).toBe('here');
  });

  it('keeps the port that it names, the usual one of HTTP too', async () => {
    const port80 = await listening('http://127.0.0.1:80/callback').catch((error: unknown) => error);
    if (port80 instanceof Error) {
      expect(port80.message).toContain("http://127.0.0.1:80/callback, the credential's redirect_uri (");
    } else {
      expect(port80).toMatchObject({ redirectUri: 'http://127.0.0.1:80/callback' });
      expect(await bodyAt('http://127.0.0.1:80/callback')).toBe('here');
    }
  });

  it.each([
    ['http://127.0.0.1:80/callback', 80],
    ['http://127.0.0.1/callback', undefined],
    ['http://[::1]:4711/callback', 4711],
    ['http://[::1]/callback', undefined],
    ['http://localhost:4711', 4711],
    ['http://localhost/callback:80/', undefined],
    ['http://localhost?a=b:80', undefined],
  ])('%s names port %s', (uri, port) => {
    expect(namedPort(uri)).toBe(port);
  });

  it.each([
    ['http://127.0.0.1/callback', true],
    ['http://127.0.0.1:8976/a/b?c=d', true],
    ['http://[::1]:8976/callback', true],
    ['http://localhost/callback', true],
    ['https://localhost/callback', false],
    ['http://127.0.0.1.example/callback', false],
    ['http://user@127.0.0.1/callback', false],
    ['https://app.example/callback', false],
    ['com.example.app:/callback', false],
    ['nonsense', false],
  ])('%s is ours: %s', (uri, ours) => {
    expect(isLoopbackUri(uri)).toBe(ours);
  });
});
