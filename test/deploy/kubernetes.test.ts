import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { filesOf } from '../../src/config/interpolate.ts';
import { load } from '../../src/config/load.ts';
import { presets } from '../../src/provider/presets.ts';
import { faultsOf } from './kubernetes-schema.ts';
import { type Manifest, render } from './kustomize.ts';

const root = join(import.meta.dirname, '../..');
const folder = join(root, 'deploy/kubernetes');
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
const hasKubectl = spawnSync('kubectl', ['kustomize', '--help']).status === 0;

const of = (objects: Manifest[], kind: string) => objects.find((one) => one.kind === kind);

describe.each(['base', 'overlays/sessions', 'overlays/replicas'])('deploy/kubernetes/%s', (name) => {
  const objects = render(join(folder, name));
  const deployment = of(objects, 'Deployment');
  const pod = deployment.spec.template.spec;
  const [sidecar] = pod.initContainers;
  const routes: string = of(objects, 'ConfigMap').data['routes.yaml'];
  const secrets: Record<string, string> = of(objects, 'Secret').stringData;

  /** Where a mounted Secret's keys are found in the sidecar. */
  function mountedSecrets(): Record<string, string> {
    const volume = pod.volumes.find((one: Manifest) => one.secret?.secretName === 'cupbearer-secrets');
    const mount = sidecar.volumeMounts.find((one: Manifest) => one.name === volume.name);
    return Object.fromEntries(
      Object.entries(secrets).map(([key, value]) => [`${mount.mountPath}/${key}`, value]),
    );
  }

  function problems(files: Record<string, string>): string[] {
    const mount = sidecar.volumeMounts.find((one: Manifest) => one.name === 'routes');
    const loaded = load(routes, {
      file: `${mount.mountPath}/routes.yaml`,
      env: {},
      presets,
      modeOf: () => undefined,
      readFile: (path) => {
        if (files[path] === undefined) throw Object.assign(new Error(path), { code: 'ENOENT' });
        return files[path];
      },
    });
    return loaded.problems.map(({ level, message }) => `${level}: ${message}`);
  }

  it('is what Kubernetes takes, without a field it does not know', async () => {
    const faults = await Promise.all(objects.map(faultsOf));
    expect(faults.flat()).toEqual([]);
  });

  it.skipIf(!hasKubectl)('is rendered by kubectl as these tests render it', () => {
    const printed = execFileSync('kubectl', ['kustomize', join(folder, name)], { encoding: 'utf8' });
    const theirs = parseAllDocuments(printed).map((document) => document.toJS() as Manifest);
    for (const one of theirs.filter(({ kind }) => kind === 'Secret')) {
      const plain = Object.entries<string>(one.data).map(([key, value]) => [key, atob(value)]);
      one.stringData = Object.fromEntries(plain);
      delete one.data;
    }
    const sorted = (list: Manifest[]) => list.toSorted((a, b) => a.kind.localeCompare(b.kind));
    expect(sorted(theirs)).toEqual(sorted(objects));
  });

  it('runs Cupbearer as a native sidecar, in the image of this version', () => {
    expect(sidecar).toMatchObject({ name: 'cupbearer', restartPolicy: 'Always' });
    expect(sidecar.image).toBe(`registry.example/cupbearer:${version}`);
  });

  it('hardens every container', () => {
    expect(pod).toMatchObject({
      automountServiceAccountToken: false,
      securityContext: { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: 'RuntimeDefault' } },
    });
    for (const container of [...pod.initContainers, ...pod.containers]) {
      expect(container.securityContext).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      });
      expect(container.resources).toMatchObject({
        requests: { cpu: expect.anything(), memory: expect.anything() },
        limits: { memory: expect.anything() },
      });
    }
  });

  it('has a routes.yaml without a problem, once the placeholders of its secrets are replaced', () => {
    const files = mountedSecrets();
    for (const path of Object.keys(files))
      if (path.endsWith('/store-key')) files[path] = btoa('k'.repeat(32));
    expect(problems(files)).toEqual([]);
  });

  it('does not start with the placeholder of a store key', () => {
    const wrong = 'store-key' in secrets ? [expect.stringMatching(/^error: .*32 bytes/)] : [];
    expect(problems(mountedSecrets())).toEqual(wrong);
  });

  it('mounts every file that routes.yaml names, and no secret that it does not', () => {
    const named = filesOf(routes, { file: '/etc/cupbearer/routes.yaml' });
    expect(named.toSorted()).toEqual(Object.keys(mountedSecrets()).toSorted());
  });

  it('asks probes of the admin listener, which is open to the node', () => {
    const { server } = parse(routes);
    expect(server.listen).toBe('127.0.0.1:8080');
    expect(server.admin).toBe(`0.0.0.0:${sidecar.ports[0].containerPort}`);
    const probes = [sidecar.startupProbe, sidecar.livenessProbe, sidecar.readinessProbe];
    expect(probes.map(({ httpGet }) => [httpGet.path, httpGet.port])).toEqual(
      ['/livez', '/livez', '/readyz'].map((path) => [path, sidecar.ports[0].name]),
    );
  });

  it('lets Prometheus in at the admin port alone, and neither in nor out anything else', () => {
    const { ingress, egress, policyTypes, podSelector } = of(objects, 'NetworkPolicy').spec;
    expect(podSelector).toEqual({ matchLabels: deployment.spec.template.metadata.labels });
    expect(policyTypes).toEqual(['Ingress', 'Egress']);
    expect(ingress.flatMap(({ ports }: Manifest) => ports)).toEqual([{ protocol: 'TCP', port: 9090 }]);
    const ports = egress.flatMap((one: Manifest) => one.ports.map(({ port }: Manifest) => port));
    expect(ports).toEqual([53, 53, 443, ...(routes.includes('rediss://') ? [6379] : [])]);
  });

  it('gives an orderly stop the time it needs', () => {
    const grace = Number.parseInt(parse(routes).server.shutdown_grace, 10);
    expect(pod.terminationGracePeriodSeconds).toBeGreaterThan(grace);
  });
});

describe('the overlay sessions', () => {
  const objects = render(join(folder, 'overlays/sessions'));
  const { spec } = of(objects, 'Deployment');
  const pod = spec.template.spec;

  it('keeps them on its volume, in a directory below its root, and runs no two pods at once', () => {
    const mount = pod.initContainers[0].volumeMounts.find((one: Manifest) => one.name === 'sessions');
    const url: string = parse(of(objects, 'ConfigMap').data['routes.yaml']).store.url;
    expect(url).toMatch(new RegExp(`^sqlite:${mount.mountPath}/[^/]+/[^/]+$`));
    expect(mount.readOnly ?? false).toBe(false);
    const claim = pod.volumes.find((one: Manifest) => one.name === 'sessions').persistentVolumeClaim;
    expect(claim.claimName).toBe(of(objects, 'PersistentVolumeClaim').metadata.name);
    expect(spec).toMatchObject({ replicas: 1, strategy: { type: 'Recreate' } });
  });
});

describe('the overlay replicas', () => {
  it('tells Cupbearer how many there are', () => {
    const objects = render(join(folder, 'overlays/replicas'));
    const { server } = parse(of(objects, 'ConfigMap').data['routes.yaml']);
    expect(of(objects, 'Deployment').spec.replicas).toBe(server.replicas);
    expect(server.replicas).toBeGreaterThan(1);
  });
});

describe('the component podmonitor', () => {
  it('scrapes the port that the sidecar names', () => {
    const [monitor] = render(join(folder, 'components/podmonitor'));
    const { template } = of(render(join(folder, 'base')), 'Deployment').spec;
    expect(monitor.spec.selector.matchLabels).toEqual(template.metadata.labels);
    expect(monitor.spec.podMetricsEndpoints[0].port).toBe(template.spec.initContainers[0].ports[0].name);
  });
});
