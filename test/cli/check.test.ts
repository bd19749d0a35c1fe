import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { configFile, cupbearer } from './config-file.ts';

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const remove of cleanups.splice(0)) remove();
});

function write(text: string) {
  const file = configFile(text);
  cleanups.push(file.remove);
  return file;
}

const good = `credentials:
  realer: { provider: realer, client_id: me, client_secret: s3cr3t }
  rev: { provider: vbrick-rev, base_url: https://rev.example/x, client_id: me, grant_type: refresh_token, refresh_token: s3cr3t }
routes:
  /realer: { credential: realer }
  /rev/v2: { credential: rev, upstream: /api/v2/ }
store: { url: "sqlite:sessions.db", key: MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE= }
`;

describe('cupbearer check', () => {
  it('lists the routes of a good configuration', async () => {
    const { path } = write(good);
    expect(await cupbearer(['check', '--config', path])).toEqual({
      code: 0,
      err: '',
      out:
        '/realer → https://api.therealer.com  credential realer (client_credentials)\n' +
        '/rev/v2 → https://rev.example/x/api/v2  credential rev (refresh_token)\n',
    });
  });

  it('finds the configuration in CUPBEARER_CONFIG; --config goes first', async () => {
    const { path } = write(good);
    expect((await cupbearer(['check'], { CUPBEARER_CONFIG: path })).code).toBe(0);
    const { code, err } = await cupbearer(['check', '-c', '/nowhere.yaml'], { CUPBEARER_CONFIG: path });
    expect([code, err]).toEqual([2, expect.stringMatching(/^\/nowhere\.yaml: /)]);
  });

  it('shows every problem and ends with 2', async () => {
    const { path } = write(good.replace('provider: realer', 'provider: relaer').replace('/rev/v2', '/rev/'));
    const { code, out, err } = await cupbearer(['check', '-c', path]);
    expect([code, out]).toEqual([2, '']);
    expect(err).toBe(
      `${path}:2:23: unknown provider \`relaer\`; did you mean \`realer\`?\n` +
        '      realer: { provider: relaer, client_id: me, client_secret: *** }\n' +
        '                          ^\n' +
        `${path}:6:3: a route prefix does not end in a slash; remove it\n` +
        '      /rev/: { credential: rev, upstream: /api/v2/ }\n' +
        '      ^\n' +
        '2 problems\n',
    );
  });

  it('shows warnings and ends with 0', async () => {
    const { path } = write(good.replace(/ {2}\/realer.*\n/, ''));
    const { code, err } = await cupbearer(['check', '-c', path]);
    expect(code).toBe(0);
    expect(err).toContain(':2:3: warning: no route uses credential realer\n');
  });

  it('shows no secret of the configuration, wherever it stands', async () => {
    const { path } = write(
      good.replace('/api/v2/', '"/api/${PATH_KEY}"').replaceAll('s3cr3t', '"${PATH_KEY}"'),
    );
    const { code, out } = await cupbearer(['check', '-c', path], { PATH_KEY: 'key-in-the-path' });
    expect(code).toBe(0);
    expect(out).toContain('/rev/v2 → https://rev.example/x/api/[secret]  credential');
  });

  it('takes variables from the environment it is given', async () => {
    const { path } = write(good.replaceAll('s3cr3t', '"${CLIENT_SECRET}"'));
    const { code, err } = await cupbearer(['check', '-c', path], { CLIENT_SECRET: 'x' });
    expect([code, err]).toEqual([0, '']);
    expect((await cupbearer(['check', '-c', path])).err).toContain('CLIENT_SECRET is not set');
  });

  it('passes the shipped routes.yaml once its variables are set', async () => {
    const path = join(import.meta.dirname, '../../routes.yaml');
    const { err } = await cupbearer(['check', '-c', path]);
    const names = [...err.matchAll(/environment variable (\w+)/g)].map(([, name = '']) => name);
    expect(names.length).toBeGreaterThan(5);
    const env = Object.fromEntries(names.map((name) => [name, 'x']));
    const { code, out } = await cupbearer(['check', '-c', path], env);
    expect(code).toBe(0);
    expect(out.trimEnd().split('\n')).toHaveLength(5);
  });
});
