import { afterEach, describe, expect, it } from 'vitest';
import { createAdmin } from '../../src/admin/admin.ts';
import { type Listener, listen } from '../../src/cli/listener.ts';

let listener: Listener | undefined;
afterEach(() => listener?.close(0));

describe('the admin listener', () => {
  it('is alive always, ready when the warm credentials have tokens and while it does not drain', async () => {
    let waiting = ['realer'];
    let draining = false;
    listener = await listen(
      { kind: 'tcp', host: '127.0.0.1', port: 0 },
      createAdmin({ waitingFor: () => waiting, draining: () => draining }),
    );
    const get = async (path: string) => {
      const response = await fetch(`${listener?.url}${path}`);
      return [response.status, await response.json()];
    };
    expect(await get('/livez')).toEqual([200, { status: 'ok' }]);
    expect(await get('/readyz')).toEqual([503, { status: 'waiting', credentials: ['realer'] }]);
    waiting = [];
    expect(await get('/readyz')).toEqual([200, { status: 'ok' }]);
    draining = true;
    expect(await get('/readyz')).toEqual([503, { status: 'draining' }]);
    expect(await get('/livez')).toEqual([200, { status: 'ok' }]);
    expect((await get('/'))[0]).toBe(404);
    const head = await fetch(`${listener.url}/readyz?from=balancer`, { method: 'HEAD' });
    expect([head.status, head.headers.get('content-type'), await head.text()]).toEqual([
      503,
      'application/json',
      '',
    ]);
    expect((await fetch(`${listener.url}/livez`, { method: 'POST' })).status).toBe(404);
  });
});
