import { expect, it } from 'vitest';
import { healthOf } from '../../src/admin/health.ts';
import type { CredentialStatus, StatusReport } from '../../src/admin/status.ts';

const fresh: CredentialStatus = {
  credential: 'machine',
  provider: 'acme',
  grant_type: 'client_credentials',
  state: 'FRESH',
  refresh: 'IDLE',
  well: true,
  gen: 1,
  had_token: true,
};
const expired: CredentialStatus = { ...fresh, state: 'EXPIRED' };
const blocked: CredentialStatus = { ...fresh, well: false };
const away = { kind: 'redis', reachable: false } as const;

it.each<[string, string, Partial<StatusReport>]>([
  ['good', 'All well', { credentials: [fresh] }],
  ['warn', 'All well; 1 to keep an eye on', { credentials: [fresh, expired] }],
  ['warn', 'Shutting down', { credentials: [expired], draining: true }],
  ['bad', '1 credential is not well', { credentials: [fresh, blocked], draining: true }],
  [
    'bad',
    '2 credentials are not well, the store cannot be reached',
    { credentials: [blocked, blocked], store: away },
  ],
])('is %s in a word: %s', (tone, words, facts) => {
  const report: StatusReport = {
    running: true,
    version: '1.2.3',
    store: { kind: 'memory', reachable: true },
    credentials: [],
    ...facts,
  };
  expect(healthOf(report)).toEqual({ tone, words });
});
