import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type Running, start } from '../../src/cli/start.ts';
import { load } from '../../src/config/load.ts';
import { hubTour } from '../../src/demo/hub-tour.ts';
import { Narrator } from '../../src/demo/narrator.ts';
import { fieldOf } from '../../src/demo/report.ts';
import { prepare, tour } from '../../src/demo/tour.ts';
import { startVendors, type Vendors } from '../../src/demo/vendors.ts';
import { presets } from '../../src/provider/presets.ts';
import { createLog } from '../../src/telemetry/log.ts';
import { configOf } from '../support/config.ts';

const shipped = readFileSync(new URL('../../routes.yaml', import.meta.url), 'utf8');

/** The shipped routes.yaml in front of `vendors`, on a free port; every log line goes to `log`. */
function serveShipped(vendors: Vendors, log: string[]): Promise<Running> {
  const config = configOf(shipped, vendors.env);
  const listen = { kind: 'tcp', host: '127.0.0.1', port: 0 } as const;
  return start(
    { ...config, server: { ...config.server, listen, admin: 'off' } },
    { log: createLog({ level: 'trace', stream: { write: (line) => void log.push(line) } }) },
  );
}

describe.concurrent('the tour', () => {
  test('keeps every promise, and neither it nor the log shows a secret', async () => {
    const vendors = await startVendors();
    prepare(vendors);
    const log: string[] = [];
    const running = await serveShipped(vendors, log);
    const lines: string[] = [];
    const narrator = new Narrator((line) => lines.push(line));
    await tour({ vendors, proxyUrl: running.url, narrator });
    await running.stop();
    await vendors.close();

    const text = lines.join('\n');
    expect(text).not.toContain('✗');
    expect(narrator.broken).toBe(0);
    for (const vendor of vendors.all) expect(text).toMatch(new RegExp(`^ +${vendor.name} +[1-9]`, 'm'));

    const tokens = vendors.all.flatMap((vendor) =>
      vendor.seen.map((request) => fieldOf(request, 'authorization')?.split(' ')[1]),
    );
    const fromEnv = Object.entries(vendors.env).filter(([name]) => !name.endsWith('_URL'));
    const secrets = [...tokens, ...fromEnv.map(([, value]) => value)].filter((one) => one !== undefined);
    expect(secrets.length).toBeGreaterThan(100);
    const everything = text + log.join('');
    expect(secrets.filter((secret) => everything.includes(secret))).toEqual([]);
  });

  test('says which promises were not kept', async () => {
    const vendors = await startVendors();
    prepare(vendors);
    vendors.revolv3.refuseAll(true);
    const running = await serveShipped(vendors, []);
    const lines: string[] = [];
    const narrator = new Narrator((line) => lines.push(line));
    await tour({ vendors, proxyUrl: running.url, narrator });
    await running.stop();
    await vendors.close();

    expect(narrator.broken).toBeGreaterThan(0);
    expect(lines).toContain('  ✗ revolv3 answered 200: got 401');
    expect(lines.filter((line) => line.includes('✗'))).toHaveLength(narrator.broken);
    expect(lines).toContain('  ✓ realer answered 200');
  });

  test.each([
    ['keeps every promise about a hub', false, 0],
    ['says which promises about a hub were not kept', true, 3],
  ])('%s', async (_title, refused, broken) => {
    const vendors = await startVendors();
    vendors.revolution.refuseAll(refused);
    const log: string[] = [];
    const running = await serveShipped(vendors, log);
    const lines: string[] = [];
    const narrator = new Narrator((line) => lines.push(line));
    await hubTour({ revolution: vendors.revolution, proxyUrl: running.url, narrator });
    await running.stop();
    await vendors.close();

    expect(narrator.broken).toBe(broken);
    expect(lines.filter((line) => /^ {2}[✓✗] /.test(line))).toHaveLength(4);
    const token = fieldOf(vendors.revolution.seen.at(-1), 'authorization')?.split(' ')[1] as string;
    expect(token).toMatch(/^rev_/);
    expect(lines.join('\n') + log.join('')).not.toContain(token);
  });
});

test('the shipped routes.yaml without its variables names every one that is missing', () => {
  const { config, problems } = load(shipped, { file: 'routes.yaml', env: {}, presets });
  expect(config).toBeUndefined();
  const text = problems.map(({ message }) => message).join('\n');
  for (const name of [
    'REVOLUTION_CLIENT_ID',
    'REV_API_KEY',
    'REALER_CLIENT_SECRET',
    'REVOLV3_CLIENT_SECRET',
  ]) {
    expect(text).toContain(name);
  }
  expect(text).not.toContain('_URL');
});
