import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Token } from '../../src/token/token.ts';
import { settled } from '../support/manual-clock.ts';
import { carried, type Simulated, simulate, unavailable } from './setting.ts';

type Step =
  | { readonly do: 'acquire' }
  | { readonly do: 'reject'; readonly origin: number; readonly which: number }
  | { readonly do: 'accept'; readonly origin: number; readonly which: number }
  | { readonly do: 'advance'; readonly ms: number }
  | { readonly do: 'tick' }
  | { readonly do: 'suspend'; readonly ms: number }
  | { readonly do: 'setBack'; readonly ms: number }
  | { readonly do: 'provider'; readonly mode: 'new' | 'same' | 'old' | 'fail' | 'hang' };

const index = fc.nat({ max: 5 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.constant<Step>({ do: 'acquire' }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('reject' as const), origin: fc.nat({ max: 1 }), which: index }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('accept' as const), origin: fc.nat({ max: 1 }), which: index }),
  },
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('advance' as const), ms: fc.integer({ min: 1, max: 25_000 }) }),
  },
  { weight: 1, arbitrary: fc.constant<Step>({ do: 'tick' }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('suspend' as const), ms: fc.integer({ min: 1, max: 90_000 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('setBack' as const), ms: fc.integer({ min: 1, max: 90_000 }) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('provider' as const),
      mode: fc.constantFrom('new', 'same', 'old', 'fail', 'hang'),
    }),
  },
);

/** What a provider did and what was done with it, to judge every token that is served. */
class Model {
  mode: 'new' | 'same' | 'old' | 'fail' | 'hang' = 'new';
  /** Values whose refusal has stopped them from being served, until something is fetched or an origin takes them. */
  stopped: string | undefined;
  readonly served: Token[] = [];
  #values = 0;

  answer(lifetimeMs: number, latencyMs: number): Simulated {
    if (this.mode === 'fail') return { failure: unavailable, latencyMs };
    if (this.mode === 'hang') return { failure: unavailable, latencyMs: Infinity };
    if (this.mode === 'new' || this.#values === 0) this.#values++;
    const number = this.mode === 'old' ? Math.max(1, this.#values - 1) : this.#values;
    return { value: `t${number}`, lifetimeMs, latencyMs };
  }
}

describe('any order of refusals, expiries, failures and renewals', () => {
  it('leads to one request at a time and never to an expired or refused token', async () => {
    const seeds = fc.record({
      seed: fc.integer(),
      lifetimeMs: fc.constantFrom(4_000, 20_000, 90_000),
      latencyMs: fc.constantFrom(0, 40, 1_500),
      origins: fc.constantFrom(1, 2),
      steps: fc.array(step, { minLength: 5, maxLength: 60 }),
    });
    await fc.assert(
      fc.asyncProperty(seeds, async ({ seed, lifetimeMs, latencyMs, origins, steps }) => {
        const model = new Model();
        const { clock, credential, grant, log } = simulate(() => model.answer(lifetimeMs, latencyMs), seed);
        const waits: Promise<unknown>[] = [];
        const origin = (n: number) => `https://${n % origins}.example`;
        const isGood = (token: Token, askedAt: number) => {
          const expired =
            clock.mono() - token.t0Mono >= token.lifetimeMs ||
            clock.wall() - token.t0Wall >= token.lifetimeMs;
          // A token that aged on its way goes to those who were waiting for it, and to nobody else.
          const awaited = (log.fetches.at(-1)?.tookMs ?? 0) + token.t0Mono >= askedAt;
          return !expired || awaited;
        };
        for (const step of steps) {
          const askedAt = clock.mono();
          const fetched = log.fetches.length;
          const known = model.served[model.served.length - 1 - ('which' in step ? step.which : 0)];
          switch (step.do) {
            case 'acquire':
              try {
                const token = credential.acquire();
                if (!(token instanceof Promise)) {
                  expect(clock.mono() - token.t0Mono).toBeLessThan(lifetimeMs);
                  expect(clock.wall() - token.t0Wall).toBeLessThan(lifetimeMs);
                  if (origins === 1) expect(carried(token)).not.toBe(model.stopped);
                  model.served.push(token);
                } else {
                  waits.push(
                    token.then(
                      (awaited) => {
                        expect(isGood(awaited, askedAt)).toBe(true);
                        model.served.push(awaited);
                      },
                      (error) => expect(error).toMatchObject({ code: expect.stringMatching(/^token-/) }),
                    ),
                  );
                }
              } catch (error) {
                expect(error).toMatchObject({ code: 'token-unavailable' });
              }
              break;
            case 'reject':
              if (known) {
                const before = log.refusals.length;
                const next = credential.rejected(known, origin(step.origin));
                if (log.refusals.length > before && log.refusals.at(-1) === 'forced')
                  model.stopped = carried(known);
                waits.push(
                  next.then((token) => {
                    if (!token) return;
                    expect(carried(token)).not.toBe(carried(known));
                    expect(isGood(token, askedAt)).toBe(true);
                    model.served.push(token);
                  }),
                );
              }
              break;
            case 'accept':
              if (known) {
                credential.accepted(known, origin(step.origin));
                if (carried(known) === model.stopped) model.stopped = undefined;
              }
              break;
            case 'advance':
              await clock.advance(step.ms);
              break;
            case 'tick':
              credential.tick();
              break;
            case 'suspend':
              clock.suspend(step.ms);
              break;
            case 'setBack':
              clock.setWall(-step.ms);
              break;
            case 'provider':
              model.mode = step.mode;
          }
          await settled();
          if (log.fetches.length > fetched) model.stopped = undefined;
          expect(grant.mostRunning).toBeLessThanOrEqual(1);
        }
        await clock.advance(30_000);
        await Promise.all(waits);
        expect(credential.view().refresh).not.toBe('IN_FLIGHT');
        for (const [i, at] of grant.calls.slice(1).entries()) {
          expect(at - (grant.calls[i] as number)).toBeGreaterThanOrEqual(500);
        }
      }),
      { numRuns: 1000 },
    );
  });
});
