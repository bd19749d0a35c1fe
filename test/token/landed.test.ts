import { expect, it } from 'vitest';
import { Credential } from '../../src/token/credential.ts';
import type { FlightLanded } from '../../src/token/events.ts';
import type { Grant, GrantOutcome } from '../../src/token/grant.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { hour, unavailable } from './setting.ts';

const origin = 'https://api.acme.example';

/** A credential whose requests take 250 ms, and what is told of its flights. */
function landing(answer: (clock: ManualClock) => GrantOutcome) {
  const clock = new ManualClock();
  const landed: FlightLanded[] = [];
  const grant: Grant = {
    timeoutMs: 10_000,
    irreplaceable: false,
    secrets: () => '',
    async request() {
      const outcome = answer(clock);
      await new Promise<void>((resolve) => void clock.after(250, resolve));
      return outcome;
    },
  };
  const events = { landed: (event: FlightLanded) => void landed.push(event) };
  return { clock, landed, credential: new Credential({ credential: 'acme', clock, grant, events }) };
}

function granted(value: string, clock: ManualClock, more: object = {}): GrantOutcome {
  const times = { t0Mono: clock.mono(), t0Wall: clock.wall() };
  const rest = { lifetimeMs: hour, lifetimeKnown: true, renewAfterMs: undefined, attempts: 1, warnings: [] };
  return { granted: { value, fields: ['authorization', value], ...rest, ...times, ...more } };
}

async function acquired({ credential, clock }: ReturnType<typeof landing>): Promise<void> {
  const waiting = Promise.resolve(credential.acquire()).catch(() => undefined);
  expect(credential.view().waiters).toBe(1);
  await clock.advance(300);
  await waiting;
  expect(credential.view().waiters).toBe(0);
}

it('every flight is told of once, with what it brought and how long its work took', async () => {
  const fetched = landing((clock) => granted('t1', clock));
  await acquired(fetched);
  expect(fetched.landed).toEqual([{ credential: 'acme', reason: 'cold', outcome: 'fetched', tookMs: 250 }]);

  const adopted = landing((clock) => granted('t1', clock, { stored: true }));
  await acquired(adopted);
  expect(adopted.landed).toMatchObject([{ outcome: 'adopted', tookMs: 250 }]);

  const failed = landing(() => ({ failure: unavailable }));
  await acquired(failed);
  expect(failed.landed).toMatchObject([{ outcome: 'failed', kind: 'transient', tookMs: 250 }]);
});

it('a renewal that brings the refused token again is told of as nothing new', async () => {
  const setting = landing((clock) => granted('t1', clock));
  await acquired(setting);
  await setting.clock.advance(5_000);
  const { credential, clock, landed } = setting;
  const token = await credential.acquire();
  const refused = credential.rejected(token, origin).catch(() => undefined);
  await clock.advance(2_000);
  await refused;
  expect(landed.slice(1)).toMatchObject([{ reason: 'force', outcome: 'noop', tookMs: 250 }]);
});

it('waiting for its turn is no work', async () => {
  const setting = landing(() => ({ failure: unavailable }));
  await acquired(setting);
  setting.credential.reset();
  const { credential, clock, landed } = setting;
  const waiting = Promise.resolve(credential.acquire()).catch(() => undefined);
  await clock.advance(600);
  expect(landed).toHaveLength(1);
  await clock.advance(600);
  await waiting;
  expect(landed.map(({ tookMs }) => tookMs)).toEqual([250, 250]);
});

it('a failure that is no news to the log is counted all the same', async () => {
  const setting = landing(() => ({ failure: { ...unavailable, local: true } }));
  await acquired(setting);
  await setting.clock.advance(120_000);
  await acquired(setting);
  expect(setting.landed.map(({ outcome }) => outcome)).toEqual(['failed', 'failed']);
});
