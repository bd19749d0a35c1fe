import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Token } from '../../src/token/token.ts';
import { settled } from '../support/manual-clock.ts';
import { carried, hour, simulate } from './setting.ts';

const origin = 'https://api.example';
const step = fc.oneof(
  { weight: 1, arbitrary: fc.constant('revoke' as const) },
  { weight: 3, arbitrary: fc.constantFrom(10, 50, 1_500, 6_000) },
);

/** The number in `t7`. */
const number = (token: Token) => Number(carried(token)?.slice(1));

describe('requests, refusals and renewals in any order', () => {
  it('lead to one token request at a time, one for each revocation at most, and never to a stale token', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.integer({ min: 1, max: 8 }),
        fc.array(step, { maxLength: 12 }),
        fc.integer(),
        async (s, callers, steps, seed) => {
          let issued = 0;
          let revoked = 0;
          let revocations = 0;
          const { clock, credential, grant, log } = simulate(() => {
            issued++;
            return { value: `t${issued}`, lifetimeMs: hour, latencyMs: 40 };
          }, seed);
          const published = () => log.fetches.length;

          /** The upstream judges a request when it arrives; its answer takes its time as well. */
          const upstreamTakes = async (token: Token) => {
            await s.schedule(Promise.resolve(), 'request arrives');
            const taken = number(token) > revoked;
            await s.schedule(Promise.resolve(), 'answer arrives');
            if (taken) credential.accepted(token, origin);
            return taken;
          };
          const call = async () => {
            await s.schedule(Promise.resolve(), 'call');
            let known = published();
            const token = await credential.acquire();
            expect(
              number(token),
              'no older token than was there when it was asked for',
            ).toBeGreaterThanOrEqual(known);
            if (await upstreamTakes(token)) return;
            known = published();
            const next = await credential.rejected(token, origin);
            if (next === undefined) return;
            expect(number(next), 'a newer token than the refused one').toBeGreaterThan(number(token));
            expect(number(next)).toBeGreaterThanOrEqual(known);
            if (!(await upstreamTakes(next))) await credential.rejected(next, origin);
          };

          s.scheduleSequence(
            steps.map((one) => async () => {
              if (one === 'revoke') {
                revoked = issued;
                revocations++;
              } else await clock.advance(one);
            }),
          );
          let isDone = false;
          const all = Promise.all(Array.from({ length: callers * 2 }, call)).finally(() => {
            isDone = true;
          });
          all.catch(() => undefined);
          for (let turn = 0; turn < 1_000 && !(isDone && s.count() === 0); turn++) {
            if (s.count() > 0) await s.waitOne();
            else await clock.advance(50);
            await settled();
            expect(grant.running).toBeLessThanOrEqual(1);
          }
          await all;
          expect(grant.mostRunning).toBe(1);
          expect(grant.calls.length).toBeLessThanOrEqual(1 + revocations);
        },
      ),
      { numRuns: 500 },
    );
  });
});
