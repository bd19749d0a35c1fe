import { readFileSync } from 'node:fs';
import { request } from 'undici';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startVendors, type Vendors } from '../../src/demo/vendors.ts';
import { type Fixture, startCupbearer } from '../support/fixture.ts';
import { type OffsetClock, offsetClock } from '../support/offset-clock.ts';

const shipped = readFileSync(new URL('../../routes.yaml', import.meta.url), 'utf8');

describe('the shipped routes.yaml with all five vendors', () => {
  let vendors: Vendors;
  let clock: OffsetClock;
  let proxy: Fixture;

  beforeEach(async () => {
    clock = offsetClock();
    vendors = await startVendors({ now: () => clock.wall() });
    proxy = await startCupbearer(`server: { listen: "127.0.0.1:0", admin: "off" }\n${shipped}`, {
      env: vendors.env,
      clock,
    });
  });
  afterEach(async () => {
    await proxy.stop();
    await vendors.close();
  });

  const get = async (path: string, headers: Record<string, string> = {}) => {
    const { statusCode, body } = await request(`${proxy.url}${path}`, { headers });
    return { status: statusCode, text: await body.text() };
  };
  const paths = [
    '/realer/iot/v1/catalog',
    '/revolution/devices',
    '/rev/api/v2/videos',
    '/revo-digital/contacts/',
    '/revolv3/api/invoices',
  ];
  const tokenCalls = () => vendors.all.map(({ tokenCalls }) => tokenCalls);

  it.each(paths.filter((path) => !path.startsWith('/rev/')))(
    '%s answers 200 to plain calls on several days',
    async (path) => {
      for (let day = 0; day < 3; day++) {
        for (let i = 0; i < 3; i++) expect((await get(path)).status).toBe(200);
        clock.advance(25 * 3_600_000);
      }
    },
  );

  it('a Rev session that is used is extended before it ends, for as long as it is used', async () => {
    for (let extensions = 1; extensions <= 4; extensions++) {
      expect((await get('/rev/api/v2/videos')).status).toBe(200);
      await expect.poll(() => vendors.vbrickRev.tokenCalls).toBe(extensions);
      clock.advance(58 * 60_000);
    }
  });

  it.each(paths)('%s is recovered when the vendor revokes its tokens', async (path) => {
    expect((await get(path)).status).toBe(200);
    clock.advance(5_000);
    const before = tokenCalls();
    for (const vendor of vendors.all) vendor.revokeAll();
    expect((await get(path)).status).toBe(200);
    expect(tokenCalls().reduce((sum, calls, i) => sum + calls - (before[i] ?? 0), 0)).toBe(1);
  });

  it('does not take a 401 for a wrong Version field of Revo Digital for a refused token', async () => {
    const vendor = vendors.revoDigital;
    const other = await startCupbearer(
      `server: { listen: "127.0.0.1:0", admin: "off" }\n${shipped.replace(/\n {4}headers: .*/, '')}`,
      { env: vendors.env, clock },
    );
    const call = async (headers: Record<string, string>) => {
      const { statusCode, body } = await request(`${other.url}/revo-digital/contacts/`, { headers });
      await body.dump();
      return statusCode;
    };
    expect(await call({ version: '2021-07-28' })).toBe(200);
    clock.advance(5_000);
    const { tokenCalls } = vendor;
    expect(await call({})).toBe(401);
    expect(await call({ version: '1' })).toBe(401);
    expect(vendor.tokenCalls).toBe(tokenCalls);
    vendor.revokeAll();
    expect(await call({ version: '2021-07-28' })).toBe(200);
    expect(vendor.tokenCalls).toBe(tokenCalls + 1);
    await other.stop();
  });

  it('streams the events of Revolution', async () => {
    const { text } = await get('/revolution/events?count=3&interval=1');
    expect(text.match(/^data:/gm)).toHaveLength(3);
  });
});
