import { execFileSync } from 'node:child_process';
import {
  mkdtempSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createReloader, type Reloader } from '../../src/cli/reloader.ts';
import type { Config } from '../../src/config/config.ts';
import { loadFile } from '../../src/config/load.ts';
import { CupbearerError } from '../../src/errors.ts';
import { presets } from '../../src/provider/presets.ts';
import { createLog } from '../../src/telemetry/log.ts';
import { ManualClock } from '../support/manual-clock.ts';

const valid = (more = '', listen = '127.0.0.1:0') => `
server: { listen: "${listen}" }
credentials: { a: { provider: oauth2, base_url: "https://id.example", client_id: id, client_secret: "\${SECRET}" } }
providers: { oauth2: { extends: oauth2, token: { url: "https://id.example/token" } } }
routes: { /a: { credential: a, upstream: "https://a.example" }, ${more} }
`;

describe('the configuration file while Cupbearer serves', () => {
  let directory: string;
  let file: string;
  let clock: ManualClock;
  let reloader: Reloader;
  let adopted: Config[];
  let refusal: unknown;
  let log: string;

  const write = (text: string) => writeFileSync(file, text, { mode: 0o600 });

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'cupbearer-reloader-'));
    file = join(directory, 'routes.yaml');
    clock = new ManualClock();
    adopted = [];
    refusal = undefined;
    log = '';
    write(valid());
    const env = { SECRET: 'a-secret-of-some-length' };
    const { config, text } = loadFile(file, { env, presets });
    if (config === undefined || text === undefined) throw new Error('the configuration has errors');
    reloader = createReloader({
      file,
      text,
      config,
      env,
      clock,
      log: createLog({
        level: 'info',
        stream: {
          write(line) {
            log += line;
          },
        },
      }),
      adopt({ config: next }) {
        if (refusal !== undefined) throw refusal;
        adopted.push(next);
      },
    });
    reloader.watch();
  });
  afterEach(() => {
    reloader.close();
    rmSync(directory, { recursive: true });
  });

  /** Two looks, each with its answer from the disk. */
  async function looks(count = 2): Promise<void> {
    for (let i = 0; i < count; i++) {
      await clock.advance(1_000);
      // As long as the disk takes to answer.
      for (let j = 0; j < 3; j++) await stat(directory);
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  const prefixes = () => adopted.map(({ routes }) => routes.map(({ prefix }) => prefix).join(' '));

  it('is taken up once it has been the same for two looks', async () => {
    await looks();
    expect(adopted).toEqual([]);
    write(valid('/b: { credential: a, upstream: "https://b.example" }'));
    await looks(1);
    expect(adopted).toEqual([]);
    await looks(1);
    expect(prefixes()).toEqual(['/a /b']);
    expect(reloader.status()).toMatchObject({ reloads: 1, refusals: 0 });
    expect(reloader.status().refused).toBeUndefined();
    expect(log).toContain('"routes_added":"/b","msg":"configuration taken up"');
    await looks(3);
    expect(adopted.length).toBe(1);
  });

  it('is let be while somebody writes it', async () => {
    for (let i = 0; i < 4; i++) {
      write(valid(`/b${'b'.repeat(i)}: { credential: a, upstream: "https://b.example" }`));
      await looks(1);
    }
    expect(adopted).toEqual([]);
    await looks(1);
    expect(prefixes()).toEqual(['/a /bbbb']);
  });

  it('that is not valid leaves the one in force, and says why once', async () => {
    write('routes: { /a: { credentail: a } }\ncredentials: {}\n');
    await looks(5);
    expect(adopted).toEqual([]);
    const { refused, refusals, reloads } = reloader.status();
    expect({ refusals, reloads }).toEqual({ refusals: 1, reloads: 0 });
    expect(refused?.problems.join('\n')).toMatch(/routes\.yaml:1:\d+: .*credentail/);
    expect(log.match(/serves on/g)?.length).toBe(1);
    expect(log).toContain('"level":"error"');
    expect(log).toContain('"what_to_do":"mend the file; cupbearer check shows every problem"');
    write(valid('/b: { credential: a, upstream: "https://b.example" }'));
    await looks();
    expect(prefixes()).toEqual(['/a /b']);
    expect(reloader.status().refused).toBeUndefined();
  });

  it('that is put back as it was is in force all the time', async () => {
    write('nonsense');
    await looks();
    expect(reloader.status().refused).toBeDefined();
    write(valid());
    await looks();
    expect(reloader.status()).toMatchObject({ reloads: 0, refusals: 1 });
    expect(reloader.status().refused).toBeUndefined();
    expect(adopted).toEqual([]);
    expect(log).toContain('as it was again');
  });

  it('is tried again when it named a file that was not there, and told of once', async () => {
    const named = valid('/b: { credential: b, upstream: "https://b.example" }').replace(
      'credentials: {',
      'credentials: { b: { provider: oauth2, client_id: b, client_secret: "${file:late}" },',
    );
    write(named);
    await looks(20);
    expect(prefixes()).toEqual([]);
    expect(reloader.status()).toMatchObject({ refusals: 1, refused: {} });
    writeFileSync(join(directory, 'late'), 'another-secret-of-some-length', { mode: 0o600 });
    // Each wait is twice the one before.
    await looks(20);
    expect(prefixes()).toEqual([]);
    await looks(11);
    expect(prefixes()).toEqual(['/a /b']);
    expect(reloader.status()).toMatchObject({ reloads: 1, refusals: 1 });
  });

  it('is found when it was copied with the time and the size of the one before', async () => {
    utimesSync(file, 1_700_000_000, 1_700_000_000);
    await looks();
    const { size } = statSync(file);
    write(valid('/b: { credential: a, upstream: "https://b.example" }'));
    truncateSync(file, size);
    utimesSync(file, 1_700_000_000, 1_700_000_000);
    await looks();
    expect(reloader.status().refusals).toBe(1);
  });

  it.each([
    ['a pipe, which would be waited for', () => execFileSync('mkfifo', [file]), 'not a regular file'],
    ['huge', () => writeFileSync(file, Buffer.alloc(5_000_000, 35)), 'larger than'],
  ])('that is %s is not read', async (_what, put, why) => {
    await looks();
    unlinkSync(file);
    put();
    await looks();
    reloader.reload();
    expect(reloader.status().refused?.problems).toEqual([expect.stringContaining(why)]);
  });

  it('that cannot even be looked at leaves the one in force', () => {
    unlinkSync(file);
    symlinkSync(file, file);
    reloader.reload();
    expect(reloader.status().refused?.problems).toEqual([expect.stringContaining('cannot read')]);
  });

  it('is not taken up any more once it is closed, even if it was being looked at', async () => {
    await looks();
    write(valid('/b: { credential: a, upstream: "https://b.example" }'));
    await looks(1);
    await clock.advance(1_000);
    reloader.close();
    await looks(1);
    expect(prefixes()).toEqual([]);
  });

  it('that is gone leaves the one in force', async () => {
    unlinkSync(file);
    await looks(3);
    expect(adopted).toEqual([]);
    expect(reloader.status().refused?.problems.join()).toContain('there is no such file');
    expect(reloader.status().refusals).toBe(1);
  });

  it('is not taken up for another address, and says that this needs a restart', async () => {
    write(valid('', '127.0.0.1:1'));
    await looks();
    expect(adopted).toEqual([]);
    expect(reloader.status().refused?.problems).toEqual([
      'server.listen cannot change while Cupbearer serves; restart it, or put it back',
    ]);
  });

  it.each([
    [new CupbearerError('configuration-invalid', 'this cannot be'), 'this cannot be'],
    [Object.assign(new Error('a secret'), { code: 'EACCES', path: '/tls/ca.pem' }), 'EACCES /tls/ca.pem'],
  ])('that cannot be put in force leaves the one before: %s', async (error, why) => {
    refusal = error;
    write(valid('/b: { credential: a, upstream: "https://b.example" }'));
    await looks();
    expect(reloader.status().refused?.problems.join()).toContain(why);
    expect(log).not.toContain('a secret');
    refusal = undefined;
    reloader.reload();
    expect(prefixes()).toEqual(['/a /b']);
  });

  it('is found when a link is put in another place, as Kubernetes does', async () => {
    const [one, two] = [join(directory, 'one'), join(directory, 'two')];
    renameSync(file, one);
    symlinkSync(one, file);
    await looks();
    expect(adopted).toEqual([]);
    writeFileSync(two, valid('/b: { credential: a, upstream: "https://b.example" }'), { mode: 0o600 });
    symlinkSync(two, `${file}.new`);
    renameSync(`${file}.new`, file);
    await looks();
    expect(prefixes()).toEqual(['/a /b']);
  });

  it('is read again when asked, at once, and nothing is said to be new when it is not', () => {
    reloader.reload();
    expect(adopted.length).toBe(1);
    expect(reloader.status().reloads).toBe(0);
    expect(log).toContain('the configuration is as it was');
  });

  it('shows no secret of a file that is refused', async () => {
    write(`${valid()}\nsecret_of_mine: hunter2-hunter2\nstore: { key: hunter2-hunter2, urll: x }\n`);
    await looks();
    expect(reloader.status().refused?.problems.length).toBeGreaterThan(0);
    expect(log + JSON.stringify(reloader.status())).not.toContain('hunter2');
  });
});
