import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { filesOf, variablesOf } from '../../src/config/interpolate.ts';
import { load } from '../../src/config/load.ts';
import { presets } from '../../src/provider/presets.ts';

const folder = join(import.meta.dirname, '../../deploy/compose');
const read = (name: string) => readFileSync(join(folder, name), 'utf8');
const text = read('compose.yaml');
const { services, secrets, volumes } = parse(text);
const { app, cupbearer } = services;
const routes = read('config/routes.yaml');

describe('deploy/compose', () => {
  it("puts Cupbearer into the app's network and publishes no port of its own", () => {
    expect(cupbearer.network_mode).toBe('service:app');
    expect(cupbearer.ports).toBeUndefined();
    expect(Object.keys(cupbearer.depends_on)).toEqual(['app']);
  });

  it.each(['app', 'cupbearer'])('hardens %s', (name) => {
    expect(services[name]).toMatchObject({
      read_only: true,
      cap_drop: ['ALL'],
      security_opt: ['no-new-privileges:true'],
    });
    expect(services[name].privileged).toBeUndefined();
  });

  it('mounts every secret that routes.yaml names, and no other', () => {
    expect(cupbearer.secrets.toSorted()).toEqual(Object.keys(secrets).toSorted());
    const mounted = cupbearer.secrets.map((name: string) => `/run/secrets/${name}`);
    expect(filesOf(routes, { file: '/etc/cupbearer/routes.yaml' }).toSorted()).toEqual(mounted.toSorted());
    expect(app.secrets).toBeUndefined();
  });

  it('has a routes.yaml without a problem, with the environment and the secrets it gives', () => {
    const { problems } = load(routes, {
      file: '/etc/cupbearer/routes.yaml',
      env: cupbearer.environment,
      presets,
      modeOf: () => undefined,
      readFile: (path) => (path === '/run/secrets/store-key' ? btoa('k'.repeat(32)) : 'secret-of-realer'),
    });
    expect(problems).toEqual([]);
    expect(variablesOf(routes)).toEqual(Object.keys(cupbearer.environment));
  });

  it('mounts the directory that holds routes.yaml, and keeps sessions in a named volume', () => {
    expect(cupbearer.volumes).toEqual(['./config:/etc/cupbearer:ro', 'sessions:/var/lib/cupbearer']);
    expect(readdirSync(join(folder, 'config'))).toEqual(['routes.yaml']);
    expect(volumes).toEqual({ sessions: {} });
    expect(parse(routes).store.url).toMatch(/^sqlite:\/var\/lib\/cupbearer\//);
  });

  it('takes from the environment what .env.example names', () => {
    const wanted = [...text.matchAll(/\$\{(\w+)/g)].map(([, name]) => name);
    const named = [...read('.env.example').matchAll(/^(\w+)=/gm)].map(([, name]) => name);
    expect(new Set(wanted)).toEqual(new Set(named));
  });

  it('waits longer for the stop than the stop may take', () => {
    const grace = parse(routes).server?.shutdown_grace ?? '30s';
    expect(Number.parseInt(cupbearer.stop_grace_period, 10)).toBeGreaterThan(Number.parseInt(grace, 10));
  });
});
