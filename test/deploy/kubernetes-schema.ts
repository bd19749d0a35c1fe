import type { Manifest } from './kustomize.ts';

interface Validate {
  (data: unknown): boolean;
  errors?: readonly { readonly instancePath: string; readonly keyword: string; readonly params: unknown }[];
}

const schemas: Record<string, () => Promise<{ validate: Validate }>> = {
  'apps/v1 Deployment': () => import('kubernetes-models/_schemas/IoK8sApiAppsV1Deployment'),
  'networking.k8s.io/v1 NetworkPolicy': () =>
    import('kubernetes-models/_schemas/IoK8sApiNetworkingV1NetworkPolicy'),
  'policy/v1 PodDisruptionBudget': () =>
    import('kubernetes-models/_schemas/IoK8sApiPolicyV1PodDisruptionBudget'),
  'v1 ConfigMap': () => import('kubernetes-models/_schemas/IoK8sApiCoreV1ConfigMap'),
  'v1 PersistentVolumeClaim': () => import('kubernetes-models/_schemas/IoK8sApiCoreV1PersistentVolumeClaim'),
  'v1 Secret': () => import('kubernetes-models/_schemas/IoK8sApiCoreV1Secret'),
};

/**
 * What Kubernetes' own schema finds wrong with an object, fields that it does not know too: those the validator never
 * looks at. Throws for a kind that is not listed here.
 */
export async function faultsOf(object: Manifest): Promise<string[]> {
  const kind = `${object.apiVersion} ${object.kind}`;
  const schema = schemas[kind];
  if (schema === undefined) throw new Error(`no schema for ${kind}`);
  const { validate } = await schema();
  const maps: Watched[] = [];
  const valid = validate(watched(object, '', maps));
  const wrong = valid ? [] : (validate.errors ?? []).map((error) => `${error.instancePath} ${error.keyword}`);
  const unknown = maps.flatMap(({ path, map, read }) =>
    Object.keys(map)
      .filter((key) => !read.has(key))
      .map((key) => `${path}/${key} unknown`),
  );
  return [...wrong, ...unknown];
}

interface Watched {
  readonly path: string;
  readonly map: object;
  readonly read: ReadonlySet<string>;
}

/** The value, remembering of each map in it which keys somebody read. */
function watched(value: unknown, path: string, maps: Watched[]): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((one, index) => watched(one, `${path}/${index}`, maps));
  const read = new Set<string>();
  maps.push({ path, map: value, read });
  const inner = Object.fromEntries(
    Object.entries(value).map(([key, one]) => [key, watched(one, `${path}/${key}`, maps)]),
  );
  return new Proxy(inner, {
    get(target, key) {
      if (typeof key === 'string') read.add(key);
      return Reflect.get(target, key);
    },
  });
}
