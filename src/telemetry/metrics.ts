import type { Metric } from './metric.ts';
import { type CredentialFacts, credentialMetrics } from './metrics-credentials.ts';
import {
  buildInfo,
  type ConfigFacts,
  configMetrics,
  type HeldFacts,
  heldMetrics,
  type StoreFacts,
  storeMetrics,
  type WorkerFacts,
  workerMetrics,
} from './metrics-instance.ts';
import { type ProcessFacts, processMetrics } from './metrics-process.ts';
import { routeMetrics } from './metrics-routes.ts';
import type { RouteCounts } from './route-counts.ts';
import type { TokenTotals } from './token-counts.ts';

/** What a scrape tells, at one moment. */
export interface MetricsFacts {
  readonly version: string;
  /** `process.version` without its v. */
  readonly node: string;
  readonly routes: readonly RouteCounts[];
  readonly credentials: readonly CredentialFacts[];
  readonly tokens: TokenTotals;
  readonly store: StoreFacts;
  readonly held: HeldFacts;
  readonly config: ConfigFacts;
  /** Undefined: one process serves. */
  readonly workers: readonly WorkerFacts[] | undefined;
  readonly process: ProcessFacts;
}

/**
 * Every metric there is. Label values come from the configuration and from lists in the program: no tenant, path, origin
 * or anything else that a caller chooses, and no secret.
 */
export function metricsOf(facts: MetricsFacts): Metric[] {
  return [
    buildInfo(facts.version, facts.node),
    ...routeMetrics(facts.routes),
    ...credentialMetrics(facts.credentials, facts.tokens),
    ...storeMetrics(facts.store),
    ...heldMetrics(facts.held),
    ...configMetrics(facts.config),
    ...workerMetrics(facts.workers),
    ...processMetrics(facts.process),
  ];
}
