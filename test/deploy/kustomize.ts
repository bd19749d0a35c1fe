import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, parseAllDocuments } from 'yaml';

// biome-ignore lint/suspicious/noExplicitAny: what a manifest holds is what the tests find out
export type Manifest = any;

const read = (path: string) => readFileSync(path, 'utf8');

/**
 * What `kubectl kustomize DIRECTORY` prints, as objects: resources and components, generated ConfigMaps and Secrets
 * (as `stringData`), patches, images. Of each, what the files under deploy/ use; throws on anything else.
 */
export function render(directory: string, base: Manifest[] = []): Manifest[] {
  const {
    apiVersion,
    kind,
    resources = [],
    components = [],
    generatorOptions,
    configMapGenerator = [],
    secretGenerator = [],
    patches = [],
    images = [],
    ...unknown
  } = parse(read(join(directory, 'kustomization.yaml')));
  if (Object.keys(unknown).length > 0)
    throw new Error(`render() does not know ${Object.keys(unknown).join(', ')}`);
  const objects = [...base];
  for (const name of resources) {
    const path = join(directory, name);
    objects.push(...(path.endsWith('.yaml') ? documents(path) : render(path)));
  }
  for (const { name, files, behavior } of configMapGenerator) {
    const data = Object.fromEntries(files.map((file: string) => [file, read(join(directory, file))]));
    put(objects, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data }, behavior);
  }
  for (const { name, literals, behavior } of secretGenerator) {
    const stringData = Object.fromEntries(
      literals.map((one: string) => /^([^=]+)=(.*)$/.exec(one)?.slice(1)),
    );
    put(
      objects,
      { apiVersion: 'v1', kind: 'Secret', type: 'Opaque', metadata: { name }, stringData },
      behavior,
    );
  }
  for (const name of components) render(join(directory, name)).forEach((one) => void objects.push(one));
  for (const { path, target } of patches) {
    const patch = parse(read(join(directory, path)));
    const { kind, name } = target ?? { kind: patch.kind, name: patch.metadata.name };
    const at = objects.findIndex((one) => one.kind === kind && one.metadata.name === name);
    if (at === -1) throw new Error(`${path} patches ${kind} ${name}, which is not there`);
    objects[at] = Array.isArray(patch) ? jsonPatched(objects[at], patch) : merged(objects[at], patch);
  }
  for (const object of objects) for (const image of images) rename(object, image);
  return objects;
}

function documents(path: string): Manifest[] {
  return parseAllDocuments(read(path)).map((document) => {
    if (document.errors[0] !== undefined) throw document.errors[0];
    return document.toJS();
  });
}

function put(objects: Manifest[], made: Manifest, behavior = 'create'): void {
  const at = objects.findIndex((one) => one.kind === made.kind && one.metadata.name === made.metadata.name);
  if ((at === -1) !== (behavior === 'create'))
    throw new Error(`${behavior} of ${made.metadata.name}: it is ${at === -1 ? 'not ' : ''}there`);
  if (at === -1) objects.push(made);
  else objects[at] = behavior === 'merge' ? merged(objects[at], made) : made;
}

/** What elements of these lists are recognised by (Kubernetes' patchMergeKey). */
const mergeKeys: Record<string, string> = {
  containers: 'name',
  initContainers: 'name',
  volumes: 'name',
  volumeMounts: 'mountPath',
};

/** A strategic merge. Elements that are new come first, as kustomize has it. */
function merged(old: Manifest, patch: Manifest, field = ''): Manifest {
  const key = mergeKeys[field];
  if (Array.isArray(old) && Array.isArray(patch) && key !== undefined) {
    const fresh = patch.filter((one) => !old.some((other) => other[key] === one[key]));
    const kept = old.map((one) => merged(one, patch.find((other) => other[key] === one[key]) ?? {}));
    return [...fresh, ...kept];
  }
  if (!isMap(old) || !isMap(patch)) return patch;
  const result = { ...old };
  for (const [name, value] of Object.entries(patch)) result[name] = merged(old[name], value, name);
  return result;
}

function isMap(value: unknown): value is Record<string, Manifest> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** RFC 6902, as far as an element is added to the end of a list. */
function jsonPatched(object: Manifest, operations: Manifest[]): Manifest {
  const copy = structuredClone(object);
  for (const { op, path, value } of operations) {
    const names = path.split('/').slice(1);
    if (op !== 'add' || names.pop() !== '-') throw new Error(`render() does not know ${op} ${path}`);
    names.reduce((at: Manifest, name: string) => at[name], copy).push(value);
  }
  return copy;
}

function rename(object: Manifest, { name, newName, newTag }: Record<string, string>): void {
  const pod = object.spec?.template?.spec;
  for (const container of [...(pod?.initContainers ?? []), ...(pod?.containers ?? [])])
    if (container.image === name) container.image = `${newName}:${newTag}`;
}
