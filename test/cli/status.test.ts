import { appendFileSync, existsSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo, createServer as createSocket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Deployment, deploy } from '../support/deployment.ts';
import { startSquatter } from '../support/squatter.ts';

describe('cupbearer status', () => {
  let at: Deployment;

  beforeEach(async () => {
    at = await deploy();
  });
  afterEach(() => at.close());

  const get = async (url: string, headers = {}) => (await fetch(url, { headers })).status;

  /** The row of the table that begins with this, its cells separated by two spaces or more. */
  const row = (text: string, first: string) =>
    text
      .split('\n')
      .find((line) => line.startsWith(first))
      ?.split(/ {2,}/);

  const estimate = expect.stringMatching(/^~[\d.]+ m?s$/);

  describe('with a running serve', () => {
    it('shows every credential in words, and what to do about those that are not well', async () => {
      const served = await at.serve();
      expect(await get(`${served.at}/device/iot/v1/catalog`)).toBe(200);
      expect(await get(`${served.at}/session/api`)).toBe(200);
      expect(await get(`${served.at}/wrong/x`)).toBe(502);
      await at.store({ credential: 'tenants', tenant: 'acme' }, () => ({ head: 'h', refresh_token: 'r' }));
      const { code, out, err } = await at.runAlone('status');
      expect([code, err]).toEqual([1, '']);
      expect(out).toMatch(/^Cupbearer \d\S*, up \d+s\. Store: sqlite\.\n/);
      expect(row(out, 'CREDENTIAL')).toEqual(['CREDENTIAL', 'TENANT', 'STATE', 'LEFT']);
      expect(row(out, 'device')).toEqual(['device', '–', 'fresh', '59m']);
      expect(row(out, 'session')).toEqual(['session', '–', 'fresh', '59m']);
      expect(row(out, 'quiet')).toEqual(['quiet', '–', 'not used yet', '–']);
      expect(row(out, 'tenants')).toEqual(['tenants', 'acme', 'in the store', '–']);
      expect(row(out, 'nobody')).toEqual(['nobody', '–', 'login needed', '–']);
      expect(row(out, 'wrong')).toEqual(['wrong', '–', 'blocked: invalid_client', '–']);
      expect(out).toMatch(
        /\n {4}invalid_client: the token endpoint answered 401.*check client_id and client_secret\n/,
      );
      await secretsStayInside(out);
    });

    it('ends with 0 when every credential is well, and prints the same as JSON', async () => {
      const served = await at.start();
      await at.store({ credential: 'nobody' }, () => ({ head: 'h', refresh_token: 'r' }));
      expect(await get(`${served.at}/device/iot/v1/catalog`)).toBe(200);
      const { code, out, err } = await at.run('status', '--json');
      expect([code, err]).toEqual([0, '']);
      const { running, store, credentials } = JSON.parse(out);
      expect({ running, store }).toEqual({ running: true, store: { kind: 'sqlite', reachable: true } });
      expect(credentials[0]).toMatchObject({ credential: 'device', state: 'FRESH', well: true, gen: 1 });
      expect(credentials.map(({ well }: { well: boolean }) => well)).not.toContain(false);
      await secretsStayInside(out);
    });

    it('says that a login is needed once the provider refuses the refresh token', async () => {
      const served = await at.start();
      await at.store({ credential: 'nobody' }, () => ({ head: 'h', refresh_token: 'spent' }));
      expect(await get(`${served.at}/nobody/api`)).toBe(502);
      const { code, out } = await at.run('status');
      expect(code).toBe(1);
      expect(row(out, 'nobody')?.[1]).toBe('login needed');
      expect(out).toMatch(/\n {4}invalid_grant: .*\n {4}→ cupbearer login nobody\n/);
    });

    it('says when the store of sessions cannot be reached', async () => {
      at.configure({ store: 'url: "redis://user:hidden@127.0.0.1:1", key: "${STORE_KEY}"' });
      await at.start();
      const { code, out } = await at.run('status');
      expect(code).toBe(1);
      expect(out).toMatch(/^Cupbearer .* Store: redis, cannot be used: .*127\.0\.0\.1:1.*\n/);
      expect(row(out, 'session')).toEqual(['session', 'not used yet']);
      expect(out).not.toContain('hidden');
    });

    it('shows what its routes were asked', async () => {
      const served = await at.start();
      expect(await get(`${served.at}/device/iot/v1/catalog`)).toBe(200);
      expect(await get(`${served.at}/device/iot/v1/catalog`)).toBe(200);
      expect(await get(`${served.at}/wrong/x`)).toBe(502);
      expect(await get(`${served.at}/elsewhere`)).toBe(404);
      const told = async () => JSON.parse((await at.run('status', '--json')).out).routes;
      // An exchange is over once its answer is known to be sent.
      await expect.poll(async () => (await told()).at(-1).requests).toBe(1);
      const { out } = await at.run('status');
      const table = out.slice(out.indexOf('\nROUTE '));
      expect(row(table, '/device')).toEqual(['/device', '2', '0', '0', estimate, estimate]);
      expect(row(table, '/wrong')?.slice(0, 4)).toEqual(['/wrong', '1', '1', '0']);
      expect(row(table, '(no route)')?.slice(0, 4)).toEqual(['(no route)', '1', '1', '0']);
      expect(row(table, '/session')).toBeUndefined();
      const routes = await told();
      expect(routes[0]).toMatchObject({ route: '/device', requests: 2, responses: { '2xx': 2 }, waited: 1 });
      expect(routes.at(-1)).toMatchObject({ requests: 1, responses: { '4xx': 1 }, errors: 1 });
      expect(routes).toHaveLength(8);
      await secretsStayInside(out);
    });

    it('shows the instance that serves on while the file is not valid, and ends with 2', async () => {
      await at.start();
      appendFileSync(at.file, '  /broken: { credential: nope }\n');
      const told = await at.run('status');
      expect(told.code).toBe(2);
      expect(told.err).toMatch(/unknown credential `nope`/);
      expect(told.err).toMatch(/\nAn instance answers at unix:.*admin\.sock all the same, .*\n$/);
      expect(row(told.out, 'quiet')).toEqual(['quiet', 'not used yet']);
      expect(JSON.parse((await at.run('status', '--json')).out)).toMatchObject({ running: true });
      at.configure();
      await secretsStayInside(told.out + told.err);
    });

    it('shows it even when the file is no YAML behind server', async () => {
      await at.start();
      appendFileSync(at.file, '  /broken: { credential: [\n');
      const { code, out } = await at.run('status');
      expect([code, row(out, 'CREDENTIAL')]).toEqual([2, ['CREDENTIAL', 'STATE']]);
    });

    it('tells nothing but the problems of the file when none serves', async () => {
      appendFileSync(at.file, '  /broken: { credential: nope }\n');
      const { code, out, err } = await at.run('status');
      expect([code, out]).toEqual([2, '']);
      expect(err).not.toContain('An instance');
    });

    it('asks over TCP as well', async () => {
      at.configure({ admin: `127.0.0.1:${await freePort()}` });
      await at.start();
      expect((await at.run('status')).out).toMatch(/^Cupbearer \d\S*, up /);
    });
  });

  const ownAddress = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .find(({ family, internal }) => family === 'IPv4' && !internal)?.address;

  it.skipIf(ownAddress === undefined)(
    'says why an instance refuses, and what to change, when its address is one of the network',
    async () => {
      at.configure({ admin: `${ownAddress}:${await freePort(ownAddress)}` });
      await at.start();
      const refusal = new RegExp(
        `refuses.*: .*this machine only; .* server\\.admin on 127\\.0\\.0\\.1 or unix:/path, and it is ${ownAddress}:\\d+`,
      );
      const status = await at.run('status');
      expect([status.code, status.err]).toEqual([1, expect.stringMatching(refusal)]);
      const revoke = await at.run('revoke', 'device');
      expect([revoke.code, revoke.out, revoke.err]).toEqual([1, '', expect.stringMatching(refusal)]);
    },
  );

  describe('when no instance answers', () => {
    it('says so, shows what the store holds, and ends with 1', async () => {
      const { out: token } = await at.run('token', 'session');
      const tenants = (tenant: string) => ({ credential: 'tenants', tenant });
      await at.store(tenants('spent'), () => ({
        head: 'h',
        refresh_token: 'hidden',
        spent: 'invalid_grant',
      }));
      await at.store(tenants('halfway'), () => ({
        head: 'h',
        refresh_token: 'hidden',
        intent: { owner: 'o', startedWall: Date.now() },
      }));
      const { code, out, err } = await at.run('status');
      expect([code, err]).toEqual([
        1,
        `No instance answers at unix:${at.directory}/admin.sock (there is no such socket).\n`,
      ]);
      expect(out).toMatch(/^Store: sqlite\.\n/);
      expect(row(out, 'CREDENTIAL')).toEqual(['CREDENTIAL', 'TENANT', 'REFRESH TOKEN', 'TOKEN LEFT']);
      expect(row(out, 'session')).toEqual(['session', '–', 'there', '59m']);
      expect(row(out, 'quiet')).toEqual(['quiet', '–', 'as configured', '–']);
      expect(row(out, 'nobody')).toEqual(['nobody', '–', 'none: login needed', '–']);
      expect(out).toMatch(/tenants +spent +spent: login needed/);
      expect(out).toMatch(/tenants +halfway +there +–\n {4}a refresh was begun; its answer is not stored\n/);
      const json = await at.run('status', '--json');
      expect(json.code).toBe(1);
      expect(JSON.parse(json.out)).toMatchObject({
        running: false,
        store: { kind: 'sqlite', reachable: true },
      });
      for (const text of [out, json.out]) {
        expect(text).not.toContain(token.trim());
        expect(text).not.toContain('hidden');
        await secretsStayInside(text);
      }
    });

    it('makes no store where there is none', async () => {
      const { out } = await at.run('status');
      expect(row(out, 'session')).toEqual(['session', 'as configured']);
      expect(existsSync(`${at.directory}/sessions.db`)).toBe(false);
    });

    it('says why the store cannot be read', async () => {
      await at.run('token', 'session');
      at.configure({ store: `url: "sqlite:${at.directory}/sessions.db", key: "${'B'.repeat(43)}="` });
      const { code, out } = await at.run('status');
      expect(code).toBe(1);
      expect(out).toMatch(/^Store: sqlite, cannot be used: .*key/);
    });

    it('knows nothing of sessions in memory', async () => {
      at.configure({ store: 'url: "memory:"' });
      const { out } = await at.run('status');
      expect(out).toBe('Store: memory, known to nobody but the process that serves.\n');
    });

    it.each([
      ['the admin listener is off', 'off', /server\.admin \(it is off\)/],
      ['nothing listens', '127.0.0.1:1', /127\.0\.0\.1:1 \(nothing listens there\)/],
    ])('says when %s', async (_what, admin, reason) => {
      at.configure({ admin });
      expect((await at.run('status')).err).toMatch(reason);
    });

    it('does not take another server for an instance', async () => {
      const other = createServer((_request, response) => {
        response.writeHead(200, { 'content-type': 'application/json' });
        response.end('{"running":true,"credentials":[{"credential":"session","well":true}]}');
      });
      await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
      try {
        at.configure({ admin: `127.0.0.1:${(other.address() as AddressInfo).port}` });
        const { code, err } = await at.run('status');
        expect([code, err]).toEqual([1, expect.stringContaining('is no Cupbearer')]);
      } finally {
        other.closeAllConnections();
        other.close();
      }
    });

    const fake = {
      running: true,
      version: '1',
      uptime_s: 1,
      store: { kind: 'sqlite', reachable: true },
      credentials: [],
    };
    const well = {
      credential: 'device',
      provider: 'realer',
      grant_type: 'client_credentials',
      state: 'FRESH',
      refresh: 'IDLE',
      well: true,
      gen: 1,
      had_token: true,
    };
    const called = {
      requests: 9,
      responses: { '1xx': 0, '2xx': 9, '3xx': 0, '4xx': 0, '5xx': 0 },
      unanswered: 0,
      errors: 0,
      recovered: 4,
      waited: 1,
      p50_ms: 47,
      p99_ms: 1_200,
    };
    const worker = { pid: 7, state: 'serving', uptime_s: 61, restarts: 0 };

    it.each([
      ['nothing of a report', { ok: true }],
      ['a list', [fake]],
      ['credentials that are none', { ...fake, credentials: [{ credential: 'device', well: true }] }],
      ['no store', { ...fake, store: undefined }],
      ['a state that there is not', { ...fake, credentials: [{ ...well, state: 'SPLENDID' }] }],
      ['a time that is none', { ...fake, credentials: [{ ...well, lifetime_left_s: 'long' }] }],
      ['an error that is none', { ...fake, credentials: [{ ...well, last_error: 'oh' }] }],
      ['a configuration that is none', { ...fake, config: { loaded_at: 1 } }],
      ['routes that are none', { ...fake, routes: [{ ...called, requests: 'many' }] }],
      ['workers that are none', { ...fake, workers: [{ ...worker, state: 'asleep' }] }],
    ])('tells what answers as if it were an instance, with %s', async (_what, answer) => {
      const squatter = await startSquatter(answer);
      try {
        at.configure({ admin: squatter.at });
        for (const more of [[], ['--json']]) {
          const { code, out, err } = await at.run('status', ...more);
          expect(code).toBe(1);
          expect(err).toMatch(/^(?:Something else|No instance) answers at 127\.0\.0\.1:\d+.*\.\n$/);
          expect(out).toContain('sqlite');
        }
      } finally {
        await squatter.close();
      }
    });

    it('does not take a report without its own credentials for a good one', async () => {
      const squatter = await startSquatter({ ...fake, credentials: [well] });
      try {
        at.configure({ admin: squatter.at });
        const { code, err } = await at.run('status');
        expect([code, err]).toEqual([
          1,
          'The instance has another configuration: it does not know mqtt, session, quiet, nobody, wrong.\n',
        ]);
      } finally {
        await squatter.close();
      }
    });

    it('says that the instance has refused the configuration file, and why', async () => {
      const names = ['device', 'mqtt', 'session', 'quiet', 'nobody', 'wrong'];
      const credentials = names.map((credential) => ({ ...well, credential }));
      const loaded = { loaded_at: '2030-01-01T12:00:00.000Z', reloads: 1, refusals: 2 };
      const refused = { at: '2030-01-01T12:05:00.000Z', problems: ['routes.yaml:3:1: \u001b[31mno\n'] };
      for (const [config, code, err] of [
        [loaded, 0, ''],
        [
          { ...loaded, refused },
          1,
          'The instance has refused the configuration file at 2030-01-01T12:05:00.000Z and serves on with the one before it:\n' +
            '  routes.yaml:3:1:  [31mno\n',
        ],
      ] as const) {
        const squatter = await startSquatter({ ...fake, credentials, config });
        try {
          at.configure({ admin: squatter.at });
          const told = await at.run('status');
          expect([told.code, told.err]).toEqual([code, err]);
          expect(JSON.parse((await at.run('status', '--json')).out).config).toEqual(config);
        } finally {
          await squatter.close();
        }
      }
    });

    it('shows the busiest routes that were called, and how its workers are', async () => {
      const routes = Array.from({ length: 23 }, (_, i) => ({ ...called, route: `/r${i}`, requests: i }));
      const workers = [worker, { ...worker, restarts: 2 }, { ...worker, state: 'starting' }];
      const odd = { ...called, requests: 500, errors: 3, p50_ms: 0.25, p99_ms: 60_000 };
      const squatter = await startSquatter({ ...fake, routes: [...routes, odd], workers });
      try {
        at.configure({ admin: squatter.at });
        const { out } = await at.run('status');
        expect(out.split('\n')[1]).toBe('3 workers: 2 serving, 1 starting; 2 restarts.');
        const lines = out.slice(out.indexOf('\nROUTE ') + 1).split('\n');
        expect(lines.slice(0, 3).map((line) => line.split(/ {2,}/))).toEqual([
          ['ROUTE', 'REQUESTS', 'ERRORS', 'RECOVERED', 'P50', 'P99'],
          ['(no route)', '500', '3', '4', '~0.25 ms', '≥60 s'],
          ['/r22', '22', '0', '4', '~47 ms', '~1.2 s'],
        ]);
        expect(lines.slice(20)).toEqual([expect.stringMatching(/^\/r4 /), '… and 3 more', '']);
        const json = await at.run('status', '--json');
        expect(JSON.parse(json.out)).toMatchObject({ routes: [...routes, odd], workers });
      } finally {
        await squatter.close();
      }
    });

    it('says nothing of routes that nobody called, and of a single process', async () => {
      const squatter = await startSquatter({
        ...fake,
        routes: [{ ...called, requests: 0 }],
        workers: [worker],
      });
      try {
        at.configure({ admin: squatter.at });
        const { out } = await at.run('status');
        expect(out).toBe('Cupbearer 1, up 1s. Store: sqlite.\n\nCREDENTIAL\n');
      } finally {
        await squatter.close();
      }
    });

    it('lets nothing that it is told order the terminal about, or show text the other way round', async () => {
      const trick = 'a\u001b[31m\u202eb\u2066c\u200bd\u2028e\u009bf\u061cg';
      const last_error = { kind: 'transient', error: trick, detail: trick };
      const squatter = await startSquatter({ ...fake, credentials: [{ ...well, last_error }] });
      try {
        at.configure({ admin: squatter.at });
        const { out } = await at.run('status');
        expect(out).toContain('a [31m b c d e f g');
        expect(out.replaceAll('\n', '')).not.toMatch(/[\p{C}\p{Zl}\p{Zp}]/u);
      } finally {
        await squatter.close();
      }
    });

    it('does not wait for an instance that is silent', async () => {
      const silent = createSocket(() => {});
      await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
      try {
        at.configure({ admin: `127.0.0.1:${(silent.address() as AddressInfo).port}` });
        const { code, err } = await at.run('status');
        expect([code, err]).toEqual([1, expect.stringContaining('no answer within 2 s')]);
      } finally {
        silent.close();
      }
    });
  });

  /** Nothing that was configured or stored in secret is in a text. */
  async function secretsStayInside(text: string): Promise<void> {
    const session = await at.stored({ credential: 'session' });
    const kept = [session?.refresh_token, session?.token?.value].filter((one) => one !== undefined);
    for (const secret of [...at.secrets, ...kept]) expect(text).not.toContain(secret);
  }
});

async function freePort(host = '127.0.0.1'): Promise<number> {
  const server = createSocket();
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
