import type { TenantBounds } from '../../src/token/tenants.ts';
import { createTokenClient } from '../../src/workers/token-client.ts';
import { createTokenDesk, type TokenDesk } from '../../src/workers/token-desk.ts';
import { type ManualClock, settled } from '../support/manual-clock.ts';
import type { Script } from '../support/token-endpoint.ts';
import { credentialConfig, openRoom, type Simulated, simulate } from '../token/setting.ts';
import { Wire } from './wire.ts';

/** Answers of a simulated provider: `t1`, `t2`, …; times in ms. */
export const lasting =
  (lifetimeMs: number, latencyMs = 0) =>
  (n: number) => ({
    value: `t${n}`,
    lifetimeMs,
    latencyMs,
  });

/** Lets messages arrive and promises settle, as far as no time has to pass. */
export async function quiet(): Promise<void> {
  for (let i = 0; i < 4; i++) await settled();
}

/** A worker on a wire to a desk. */
function workerOf(
  desk: TokenDesk,
  clock: ManualClock,
  credentials: Record<string, { readonly tenant?: TenantBounds | undefined }>,
) {
  const wire = new Wire();
  const noted: string[] = [];
  const leave = desk.serve(wire.parent);
  const client = createTokenClient({
    channel: wire.worker,
    clock,
    epoch: 0,
    credentials,
    note: (value) => noted.push(value),
  });
  return { wire, noted, leave, client };
}

/** A credential `acme` with a simulated provider, behind a desk. */
export function simulateDesk(answer?: (count: number) => Simulated, seed = 1) {
  let desk: TokenDesk | undefined;
  const parent = simulate(answer, seed, undefined, (...change) => desk?.changed(...change));
  const { credential, clock } = parent;
  desk = createTokenDesk({ at: () => ({ get: () => credential, find: () => credential }) }, clock);
  const made = desk;
  const worker = () => {
    const one = workerOf(made, clock, { acme: {} });
    return { ...one, source: one.client.get('acme') };
  };
  return { ...parent, desk: made, worker };
}

/** A registry that asks a real token endpoint, behind a desk; of tenants as many as `max`. */
export async function openDesk(script?: Script, max?: number) {
  let desk: TokenDesk | undefined;
  const tenant = max === undefined ? {} : { tenant: { header: 'X-Location-Id', max } };
  const credentials = {
    acme: credentialConfig({ ...tenant, ...(max && { params: { location: '{tenant}' } }) }),
  };
  const room = await openRoom(script, {
    credentials,
    changed: (...change) => desk?.changed(...change),
  });
  desk = createTokenDesk(room.registry, room.clock);
  const made = desk;
  return { ...room, desk: made, worker: () => workerOf(made, room.clock, credentials) };
}
