import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { filesOf } from '../../src/config/interpolate.ts';
import { load } from '../../src/config/load.ts';
import { presets } from '../../src/provider/presets.ts';

const root = join(import.meta.dirname, '../..');
const read = (name: string) => readFileSync(join(root, name), 'utf8');
const unit = read('deploy/systemd/cupbearer.service');
const routes = read('deploy/systemd/routes.yaml');
const hasSystemd = spawnSync('systemd-analyze', ['--version']).status === 0;

/** Every value of a key, in order. */
const values = (key: string) =>
  [...unit.matchAll(/^(\w+)=(.*)$/gm)].flatMap(([, name, value]) => (name === key ? [value] : []));

/** Runs systemd-analyze on the unit, with a program that this machine has. */
function analyse(...args: string[]): { status: number | null; said: string } {
  const directory = mkdtempSync(join(tmpdir(), 'cupbearer-unit-'));
  try {
    const file = join(directory, 'cupbearer.service');
    writeFileSync(file, unit.replace('/usr/bin/node', process.execPath));
    const { status, stdout, stderr } = spawnSync('systemd-analyze', [...args, file], { encoding: 'utf8' });
    return { status, said: stdout + stderr };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

describe('deploy/systemd/cupbearer.service', () => {
  it('runs as the container does: the same Node options and the same command', () => {
    const entry = /^ENTRYPOINT \["node", "(.+)", "\/app\/dist\/main\.js"\]\nCMD \["serve"\]$/m.exec(
      read('Dockerfile'),
    );
    expect(values('ExecStart')).toEqual([
      `/usr/bin/node ${entry?.[1]} /opt/cupbearer/node_modules/cupbearer/dist/main.js serve`,
    ]);
  });

  it.each([
    ['DynamicUser', 'yes'],
    ['NoNewPrivileges', 'yes'],
    ['ProtectSystem', 'strict'],
    ['PrivateTmp', 'yes'],
    ['CapabilityBoundingSet', ''],
    ['UMask', '0077'],
    ['LimitCORE', '0'],
    ['StateDirectory', 'cupbearer'],
    ['StateDirectoryMode', '0700'],
    ['Restart', 'on-failure'],
    ['RestartPreventExitStatus', '2'],
    ['ExecReload', '/bin/kill -HUP $MAINPID'],
    ['KillMode', 'mixed'],
    ['MemoryDenyWriteExecute', 'no'],
  ])('has %s=%s', (key, value) => {
    expect(values(key)).toEqual([value]);
  });

  it('waits longer for the stop than the stop may take', () => {
    expect(Number.parseInt(values('TimeoutStopSec')[0] ?? '', 10)).toBeGreaterThan(30);
  });

  it('loads every credential that routes.yaml names, and no other', () => {
    const loaded = values('LoadCredential').map((value) => value?.split(':')[0]);
    const paths = loaded.map((name) => `/run/credentials/cupbearer.service/${name}`);
    expect(filesOf(routes, { file: '/etc/cupbearer/routes.yaml' }).toSorted()).toEqual(paths.toSorted());
  });

  it('comes with a routes.yaml without a problem', () => {
    const { problems } = load(routes, {
      file: '/etc/cupbearer/routes.yaml',
      env: {},
      presets,
      modeOf: () => undefined,
      readFile: (path) => (path.endsWith('/store-key') ? btoa('k'.repeat(32)) : 'secret-of-realer'),
    });
    expect(problems).toEqual([]);
  });

  it.skipIf(!hasSystemd)('is what systemd takes, without a key it does not know', () => {
    expect(analyse('verify')).toEqual({ status: 0, said: '' });
  });

  it.skipIf(!hasSystemd)('is exposed no more than a service that needs the network has to be', () => {
    const { status, said } = analyse('security', '--offline=true', '--threshold=20', '--no-pager');
    expect([status, said]).toEqual([0, expect.stringContaining('Overall exposure level')]);
  });
});
