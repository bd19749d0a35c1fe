import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Token } from '../../src/token/token.ts';
import { carried, type Simulated, simulate, unavailable } from '../token/setting.ts';
import { quiet, simulateDesk } from './token-setting.ts';

const modes = ['new', 'same', 'fail', 'hang'] as const;
type Mode = (typeof modes)[number];

const who = { worker: fc.nat({ max: 1 }) };
const refusal = { ...who, origin: fc.nat({ max: 1 }), which: fc.nat({ max: 3 }) };
const step = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constant('acquire' as const), ...who }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('reject' as const), ...refusal }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('accept' as const), ...refusal }) },
  {
    weight: 7,
    arbitrary: fc.record({ do: fc.constant('advance' as const), ms: fc.integer({ min: 1, max: 15_000 }) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('tick' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('revoke' as const), fails: fc.boolean() }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('suspend' as const), ms: fc.integer({ min: 1, max: 60_000 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('setBack' as const), ms: fc.integer({ min: 1, max: 60_000 }) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('provider' as const), mode: fc.constantFrom(...modes) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('hold' as const),
      ...who,
      side: fc.constantFrom('toParent' as const, 'toWorker' as const),
      isHeld: fc.boolean(),
    }),
  },
);

const plan = fc.record({
  seed: fc.integer(),
  lifetimeMs: fc.constantFrom(2_000, 4_000, 20_000, 90_000),
  latencyMs: fc.constantFrom(0, 40, 1_500),
  steps: fc.array(step, { minLength: 5, maxLength: 60 }),
});

describe('any order of calls, messages, refusals, revocations and failures', () => {
  it('makes workers serve what the parent serves, never an expired token, with one request at a time', async () => {
    await fc.assert(
      fc.asyncProperty(plan, async ({ seed, lifetimeMs, latencyMs, steps }) => {
        let mode: Mode = 'new';
        let values = 0;
        /** When each value came to the parent last. */
        const arrivals = new Map<string, number>();
        const answer = (): Simulated => {
          if (mode === 'fail') return { failure: unavailable, latencyMs };
          if (mode === 'hang') return { failure: unavailable, latencyMs: Infinity };
          if (mode === 'new' || values === 0) values++;
          arrivals.set(`t${values}`, clock.mono() + latencyMs);
          return { value: `t${values}`, lifetimeMs, latencyMs };
        };
        const { clock, credential, grant, worker } = simulateDesk(answer, seed);
        const workers = [worker(), worker()];
        const known: Token[] = [];
        const held = new Set<string>();
        let setBack = 0;
        const waits: Promise<unknown>[] = [];
        const isExpired = (token: Token) =>
          clock.mono() - token.t0Mono >= lifetimeMs || clock.wall() - token.t0Wall >= lifetimeMs;
        const take = (got: Token | Promise<Token>) => {
          if (!(got instanceof Promise)) {
            expect(isExpired(got)).toBe(false);
            // Whoever has heard everything serves no token that was refused, revoked or replaced.
            if (held.size === 0) expect(got.hash).toBe(credential.serving?.hash);
            known.push(got);
            return;
          }
          const askedAt = clock.mono();
          const awaited = got.then(
            (token) => {
              // One that aged on its way to the parent goes to those who were waiting for it.
              const arrivedAt = arrivals.get(token.reveal()) ?? 0;
              expect(!isExpired(token) || arrivedAt + 1_000 + setBack >= askedAt).toBe(true);
              known.push(token);
            },
            (error) => expect(error).toMatchObject({ code: expect.stringMatching(/^token-/) }),
          );
          waits.push(awaited);
          awaited.catch(() => undefined);
        };
        for (const step of steps) {
          const one = 'worker' in step ? workers[step.worker]! : workers[0]!;
          const token = 'which' in step ? known[known.length - 1 - step.which] : undefined;
          const origin = 'origin' in step ? `https://${step.origin}.example` : '';
          switch (step.do) {
            case 'acquire':
              try {
                take(one.source.acquire());
              } catch (error) {
                expect(error).toMatchObject({ code: expect.stringMatching(/^token-/) });
              }
              break;
            case 'reject':
              if (!token) break;
              waits.push(
                one.source.rejected(token, origin).then((next) => {
                  if (next) expect(next.hash).not.toBe(token.hash);
                }),
              );
              break;
            case 'accept':
              if (token) one.source.accepted(token, origin);
              break;
            case 'advance':
              await clock.advance(step.ms);
              break;
            case 'tick':
              credential.tick();
              break;
            case 'revoke':
              await credential.revoke(async () => ({
                revoked: 0,
                deleted: false,
                failure: step.fails ? unavailable : undefined,
                unsupported: false,
              }));
              break;
            case 'suspend':
              clock.suspend(step.ms);
              break;
            case 'setBack':
              clock.setWall(-step.ms);
              setBack += step.ms;
              break;
            case 'provider':
              mode = step.mode;
              break;
            case 'hold':
              one.wire[step.side].hold(step.isHeld);
              held[step.isHeld ? 'add' : 'delete'](`${step.worker} ${step.side}`);
          }
          await quiet();
          expect(grant.mostRunning).toBeLessThanOrEqual(1);
        }
        for (const { wire } of workers) {
          wire.toParent.hold(false);
          wire.toWorker.hold(false);
        }
        await clock.advance(40_000);
        await quiet();
        await Promise.all(waits);
        mode = 'new';
        await clock.advance(100_000);
        for (const { source } of workers) {
          const got = source.acquire();
          await clock.advance(20_000);
          const token = await got;
          expect(carried(token)).toBe(`t${values}`);
          expect(token.hash).toBe(credential.serving?.hash);
        }
      }),
      { numRuns: 400 },
    );
  });

  it('makes a worker that hears everything serve at once what the parent would serve at once', async () => {
    await fc.assert(
      fc.asyncProperty(plan, async ({ seed, lifetimeMs, latencyMs, steps }) => {
        let mode: 'new' | 'same' = 'new';
        const answers = (): ((count: number) => Simulated) => {
          let values = 0;
          return () => {
            if (mode === 'new' || values === 0) values++;
            return { value: `t${values}`, lifetimeMs, latencyMs };
          };
        };
        const direct = simulate(answers(), seed);
        const behind = simulateDesk(answers(), seed);
        const { source } = behind.worker();
        const clocks = [direct.clock, behind.clock];
        const waits: Promise<unknown>[] = [];
        const outcome = async (get: () => Token | Promise<Token>) => {
          try {
            const got = get();
            const token = got instanceof Promise ? await got : got;
            return `${carried(token)} ${token.gen}`;
          } catch (error) {
            return (error as { code: string }).code;
          }
        };
        let last: readonly Token[] = [];
        for (const step of steps) {
          switch (step.do) {
            case 'acquire': {
              const both = [
                outcome(() => direct.credential.acquire()),
                outcome(() => source.acquire()),
              ] as const;
              waits.push(Promise.all(both));
              await quiet();
              const mine = direct.credential.serving;
              const theirs = behind.credential.serving;
              if (mine && theirs) last = [mine, theirs];
              break;
            }
            case 'reject': {
              const [mine, theirs] = last;
              if (!mine || !theirs) break;
              const origin = `https://${step.origin}.example`;
              waits.push(
                Promise.all([direct.credential.rejected(mine, origin), source.rejected(theirs, origin)]),
              );
              // A refusal that was in vain is not told again for a moment.
              for (const clock of clocks) await clock.advance(300);
              break;
            }
            case 'advance':
              for (const clock of clocks) await clock.advance(step.ms);
              break;
            case 'suspend':
              for (const clock of clocks) clock.suspend(step.ms);
              break;
            case 'provider':
              mode = step.mode === 'same' ? 'same' : 'new';
          }
          await quiet();
          // A refusal joins one that is on its way, where the parent alone would hear of both.
          if (direct.credential.view().refresh !== 'IN_FLIGHT')
            expect(behind.credential.serving?.hash).toBe(direct.credential.serving?.hash);
          expect(behind.grant.mostRunning).toBeLessThanOrEqual(1);
        }
        for (const clock of clocks) await clock.advance(40_000);
        await Promise.all(waits);
        expect(behind.grant.calls.length).toBeLessThanOrEqual(direct.grant.calls.length + 1);
      }),
      { numRuns: 300 },
    );
  });
});
