import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ControlOptions } from '../../src/admin/control.ts';
import { type ControlDeskInit, createControlDesk } from '../../src/cli/control-desk.ts';
import { createMemoryStore } from '../../src/store/memory.ts';
import { type Counters, createCounters } from '../../src/telemetry/counters.ts';
import { createRegistry, type Registry } from '../../src/token/registry.ts';
import { configOf } from '../support/config.ts';
import { countedExchange } from '../support/counted-exchange.ts';
import { ManualClock } from '../support/manual-clock.ts';

const ended = countedExchange();

describe('the status that a running Cupbearer tells', () => {
  let registry: Registry;
  let counters: Counters;
  let desk: (more?: Pick<ControlDeskInit, 'counts' | 'workers'>) => ControlOptions;

  beforeEach(() => {
    const config = configOf(
      `
providers: { plain: { token: { url: "https://id.example/token" } } }
credentials:
  machine: { provider: plain, client_id: id, client_secret: s }
  key: { provider: bearer-key, token: a-key }
routes:
  /a: { upstream: "https://api.example", credential: machine }
  /b: { upstream: "https://api.example", credential: machine }
`,
    );
    const clock = new ManualClock();
    const store = createMemoryStore(() => clock.wall());
    registry = createRegistry({ config, clock, store });
    counters = createCounters(config.routes.map(({ prefix }) => prefix));
    desk = (more) => createControlDesk({ config, registry, store, clock, ...more });
  });
  afterEach(() => registry.close());

  it('is all that there is to a static key: nothing renews or revokes it', async () => {
    const refusal = { code: 'malformed-request', message: expect.stringContaining('key is a static key') };
    await expect(desk().renew('key', undefined)).rejects.toMatchObject(refusal);
    await expect(desk().revoke('key', undefined)).rejects.toMatchObject(refusal);
  });

  it('has what was counted of every route, and estimates of how long requests took', async () => {
    for (let i = 0; i < 98; i++) counters.record(ended, 0.5);
    counters.record({ ...ended, token: 'waited', retry: 'recovered' }, 4_000);
    counters.record({ ...ended, status: 0, aborted: 'caller' }, 4_000);
    counters.record({ ...ended, route: undefined, status: 400, error: 'path-refused' }, 3);
    counters.record({ ...ended, route: undefined, status: 404, error: 'route-not-found' }, 3);
    const none = { '1xx': 0, '2xx': 0, '3xx': 0, '4xx': 0, '5xx': 0 };
    const nothing = { requests: 0, responses: none, unanswered: 0, errors: 0, recovered: 0, waited: 0 };
    expect((await desk({ counts: counters.read }).status()).routes).toEqual([
      {
        route: '/a',
        requests: 100,
        responses: { ...none, '2xx': 99 },
        unanswered: 1,
        errors: 0,
        recovered: 1,
        waited: 1,
        // 98 in the bucket to 0.5 ms, 2 in the one from 2.5 to 5 s.
        p50_ms: 0.26,
        p99_ms: 3_800,
      },
      { ...nothing, route: '/b' },
      {
        ...nothing,
        requests: 2,
        responses: { ...none, '4xx': 2 },
        errors: 2,
        p50_ms: 3.8,
        p99_ms: 5,
      },
    ]);
  });

  it('has the processes that serve, when there are several', async () => {
    const worker = { pid: 7, state: 'serving', restarts: 1 } as const;
    const workers = () => [{ ...worker, uptimeMs: 2_999 }];
    expect((await desk({ workers }).status()).workers).toEqual([{ ...worker, uptime_s: 2 }]);
    expect(await desk().status()).not.toHaveProperty('workers');
  });
});
