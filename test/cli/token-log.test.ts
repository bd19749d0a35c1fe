import { describe, expect, it } from 'vitest';
import { tokenLog } from '../../src/cli/token-log.ts';
import { createLog } from '../../src/telemetry/log.ts';
import type { FailureKind } from '../../src/token/failure.ts';

const kinds: readonly FailureKind[] = [
  'transient',
  'timeout',
  'rate_limited',
  'bad_answer',
  'config',
  'invalid_client',
  'invalid_grant',
  'reauthorization',
  'store',
  'store_unreadable',
  'lender',
];

function recorded() {
  const lines: Record<string, unknown>[] = [];
  const stream = { write: (line: string) => void lines.push(JSON.parse(line)) };
  const config = { credentials: {}, providers: {} };
  return { events: tokenLog(createLog({ level: 'info', stream }), config), lines };
}

const about = { credential: 'realer', reason: 'cold', blocked: false, retryInMs: 1_000, waiters: 1 } as const;

describe('the log of tokens', () => {
  it.each(kinds)('names the credential and what to do when a token request failed: %s', (kind) => {
    const { events, lines } = recorded();
    events.failed?.({ ...about, failure: { kind, error: 'x', detail: 'y' } });
    expect(lines).toEqual([
      expect.objectContaining({
        level: 'warn',
        credential: 'realer',
        what_to_do: expect.stringMatching(/\w{4}/),
      }),
    ]);
  });

  it('passes on advice that knows more than the kind of the failure', () => {
    const { events, lines } = recorded();
    const failure = { kind: 'bad_answer', error: 'x', detail: 'y', advice: 'look here' } as const;
    events.failed?.({ ...about, blocked: true, failure });
    expect(lines[0]).toMatchObject({ level: 'error', what_to_do: 'look here' });
  });

  it('says nothing of what to do when there is nothing', () => {
    const { events, lines } = recorded();
    events.failed?.({ ...about, failure: { kind: 'stopped', error: 'stopped', detail: 'shutting down' } });
    const refused = { credential: 'realer', origin: 'https://api.example', gen: 1 };
    events.refused?.({ ...refused, action: 'forced' });
    events.refused?.({ ...refused, action: 'guarded' });
    expect(lines.map((line) => 'what_to_do' in line)).toEqual([false, false, true]);
  });
});
