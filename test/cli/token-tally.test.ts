import { expect, it } from 'vitest';
import { allOf, tokenTally } from '../../src/cli/token-tally.ts';
import { createTokenCounts, readTokenCounts, type TokenTotals } from '../../src/telemetry/token-counts.ts';
import type { TokenEvents } from '../../src/token/events.ts';

const acme = { credential: 'acme', tenant: 'a-tenant' };

function counted(tell: (events: TokenEvents) => void): (name: keyof TokenTotals) => unknown {
  const counts = createTokenCounts();
  tell(tokenTally(counts));
  const totals = readTokenCounts(counts);
  expect(JSON.stringify(totals)).not.toContain('a-tenant');
  return (name) => totals[name].map(({ labels, count }) => [...Object.values(labels), count]);
}

it('counts flights by reason and outcome with how long they took, all tenants together, and failures by kind', () => {
  const counts = createTokenCounts();
  const events = tokenTally(counts);
  events.landed?.({ ...acme, reason: 'cold', outcome: 'fetched', tookMs: 20 });
  events.landed?.({ credential: 'acme', tenant: 'other', reason: 'cold', outcome: 'fetched', tookMs: 30 });
  events.landed?.({ ...acme, reason: 'soft', outcome: 'failed', kind: 'timeout', tookMs: 10_000 });
  const { flights, failures } = readTokenCounts(counts);
  expect(flights.map(({ labels, count, durations }) => [labels, count, durations.sum])).toEqual([
    [{ credential: 'acme', reason: 'cold', outcome: 'fetched' }, 2, 50],
    [{ credential: 'acme', reason: 'soft', outcome: 'failed' }, 1, 10_000],
  ]);
  expect(failures.map(({ labels, count }) => [labels, count])).toEqual([
    [{ credential: 'acme', kind: 'timeout' }, 1],
  ]);
});

it('counts refusals by what was done, revocations by what came of them, and secrets read again', () => {
  const nothing = { revoked: 0, deleted: false, failure: undefined, unsupported: false, hash8: undefined };
  const failure = { kind: 'timeout', error: 'timeout', detail: '' } as const;
  const of = counted((events) => {
    events.refused?.({ ...acme, origin: 'https://api.acme.example', gen: 1, action: 'forced' });
    events.revoked?.({ ...acme, ...nothing, revoked: 2 });
    events.revoked?.({ ...acme, ...nothing });
    events.revoked?.({ ...acme, ...nothing, unsupported: true });
    events.revoked?.({ ...acme, ...nothing, revoked: 1, failure });
    events.secretsChanged?.({ credential: 'acme', names: ['client_id', 'client_secret'] });
    events.secretKept?.({ credential: 'acme', name: 'client_secret', reason: 'gone' });
  });
  expect(of('refused')).toEqual([['acme', 'forced', 1]]);
  expect(of('revocations')).toEqual([
    ['acme', 'revoked', 1],
    ['acme', 'nothing', 1],
    ['acme', 'unsupported', 1],
    ['acme', 'failed', 1],
  ]);
  expect(of('secrets')).toEqual([
    ['acme', 'changed', 2],
    ['acme', 'kept', 1],
  ]);
});

it('tells all of several, whichever of them listens to what', () => {
  const heard: string[] = [];
  const events = allOf({ secretKept: () => void heard.push('first') }, undefined, {
    secretKept: () => void heard.push('second'),
    secretsChanged: () => void heard.push('alone'),
  });
  events.secretKept?.({ credential: 'acme', name: 'x', reason: 'y' });
  events.secretsChanged?.({ credential: 'acme', names: [] });
  expect(heard).toEqual(['first', 'second', 'alone']);
  expect(events.fetched).toBeUndefined();
});
