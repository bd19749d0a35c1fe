import { describe, expect, it } from 'vitest';
import { presets } from '../../src/provider/presets.ts';
import { resolveProvider } from '../../src/provider/resolve.ts';
import { createMemoryStore } from '../../src/store/memory.ts';
import { systemClock } from '../../src/token/clock.ts';
import { createRegistry } from '../../src/token/registry.ts';
import type { Channel } from '../../src/workers/channel.ts';
import { createTokenDesk, type TokenDesk } from '../../src/workers/token-desk.ts';
import { hourly, type Script, startTokenEndpoint } from '../support/token-endpoint.ts';
import { closing, credentialConfig, until } from '../token/setting.ts';
import { startTokenProcess, type TokenProcess } from './token-processes.ts';

/** A registry on the machine's clocks, and its desk. */
async function openParent(script: Script) {
  const endpoint = await startTokenEndpoint(script);
  closing(() => endpoint.close());
  const provider = resolveProvider('test', { token: { url: endpoint.url } }, presets);
  let desk: TokenDesk | undefined;
  const registry = createRegistry({
    config: { credentials: { acme: credentialConfig() }, providers: { acme: provider } },
    clock: systemClock,
    store: createMemoryStore(() => systemClock.wall()),
    changed: (...change) => desk?.changed(...change),
  });
  closing(() => registry.close());
  desk = createTokenDesk(registry, systemClock);
  return { endpoint, registry, desk };
}

async function startWorkers(count: number, attach: (channel: Channel) => void): Promise<TokenProcess[]> {
  const workers = await Promise.all(Array.from({ length: count }, () => startTokenProcess(attach)));
  for (const worker of workers) closing(() => worker.close());
  return workers;
}

describe('worker processes', () => {
  it('cost one token call for four times 250 callers, and hear of a revocation', async () => {
    const { endpoint, registry, desk } = await openParent(async (n, call) => {
      await new Promise((resolve) => setTimeout(resolve, 100));
      return hourly(n, call);
    });
    const workers = await startWorkers(4, desk.serve);
    const cold = await Promise.all(workers.map((worker) => worker.acquire(250)));
    expect(cold.flatMap(({ values }) => values)).toEqual(['t1', 't1', 't1', 't1']);
    expect(cold.map(({ waited }) => waited)).toEqual([250, 250, 250, 250]);
    const warm = await Promise.all(workers.map((worker) => worker.acquire(250)));
    expect(warm.map(({ waited }) => waited)).toEqual([0, 0, 0, 0]);
    expect(endpoint.calls.length).toBe(1);

    await registry.revoke('acme');
    const after = await Promise.all(workers.map((worker) => worker.acquire(10)));
    expect(after.flatMap(({ values }) => values)).toEqual(['t2', 't2', 't2', 't2']);
    expect(endpoint.calls.length).toBe(2);
  });

  it('that die while they wait leave the others and the token request alone', async () => {
    let answer = () => {};
    const answered = new Promise<void>((resolve) => {
      answer = resolve;
    });
    const { endpoint, desk } = await openParent(async (n, call) => {
      await answered;
      return hourly(n, call);
    });
    const leaves = new Map<Channel, () => void>();
    const [dies, stays] = await startWorkers(2, (channel) => leaves.set(channel, desk.serve(channel)));
    void dies!.acquire(10);
    await until(() => endpoint.calls.length === 1);
    await dies!.close();
    leaves.get(dies!.channel)?.();
    const got = stays!.acquire(10);
    answer();
    expect((await got).values).toEqual(['t1']);
    expect(endpoint.calls.length).toBe(1);
  });
});
