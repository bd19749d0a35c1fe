import type { Config } from '../config/config.ts';
import type { Credential } from './credential.ts';
import { type Inherited, Instances } from './instances.ts';
import { createParts, type Parts, type PartsInit } from './parts.ts';

type CredentialsConfig = Pick<Config, 'credentials' | 'providers'>;

/** All credentials of one configuration. What a later one keeps, it has in common with it. */
export interface Generation {
  /** Which configuration it is of: they are counted from 0. */
  readonly epoch: number;
  readonly config: CredentialsConfig;
  readonly parts: Parts;
  readonly instances: Instances<Credential>;
  /** The epoch since which each credential is what it is. */
  readonly since: ReadonlyMap<string, number>;
}

export type GenerationInit = Omit<PartsInit, 'config'>;

/**
 * The credentials of a configuration. Those that are the same objects in `before` are taken over from it, tokens and all,
 * without a change to them.
 */
export function createGeneration(
  init: GenerationInit,
  config: CredentialsConfig,
  before?: Generation,
): Generation {
  const epoch = before === undefined ? 0 : before.epoch + 1;
  const isKept = (name: string) =>
    before !== undefined &&
    before.config.credentials[name] === config.credentials[name] &&
    before.config.providers[name] === config.providers[name];
  const parts = createParts({ ...init, config });
  const inherited = before && { instances: before.instances, has: isKept };
  const instances = createInstances(init, config, parts, inherited);
  const since = new Map(
    Object.keys(config.credentials).map((name) => [
      name,
      (isKept(name) ? before?.since.get(name) : undefined) ?? epoch,
    ]),
  );
  return { epoch, config, parts, instances, since };
}

/** Apart, so that what lives as long as an instance does not hold the generation before: each would hold all before it. */
function createInstances(
  { changed }: GenerationInit,
  { credentials }: CredentialsConfig,
  parts: Parts,
  inherited: Inherited<Credential> | undefined,
): Instances<Credential> {
  const instances: Instances<Credential> = new Instances(
    credentials,
    (name, tenant) => parts.credential(name, tenant, (other, value) => instances.get(other, value)),
    // Nobody would learn any more what becomes of its token.
    (credential, tenant, instance) => changed?.({ credential, tenant }, undefined, instance),
    inherited,
  );
  return instances;
}

/** The instances of a generation that none of `others` has. */
export function instancesOf(gone: Generation, others: Iterable<Generation>): Credential[] {
  const kept = new Set<Credential>();
  for (const { instances } of others) for (const one of instances.values()) kept.add(one);
  return [...gone.instances.values()].filter((one) => !kept.has(one));
}
