import { describe, expect, it } from 'vitest';
import type { RouteStatus } from '../../src/admin/instance-status.ts';
import { type CredentialStatus, type StatusFacts, statusReport } from '../../src/admin/status.ts';
import type { Failure, FailureKind } from '../../src/token/failure.ts';
import type { SessionView } from '../../src/token/session-view.ts';
import type { CredentialView } from '../../src/token/view.ts';
import { configOf } from '../support/config.ts';

const config = configOf(
  `
providers:
  plain: { token: { url: "https://id.example/token" } }
  lending: { extends: plain, token: { client_auth: none } }
  people: { extends: plain, authorize: { url: "https://id.example/auth" } }
credentials:
  machine: { provider: plain, client_id: id, client_secret: s }
  seeded: { provider: plain, grant_type: refresh_token, client_id: id, client_secret: s, refresh_token: r }
  person: { provider: people, grant_type: authorization_code, client_id: id }
  tenants: { provider: people, grant_type: authorization_code, client_id: id, tenant: { header: X-Tenant } }
  lent: { provider: lending, using: machine }
routes:
  /machine: { upstream: "https://api.example", credential: machine }
`,
);

const unused: CredentialView = {
  credential: 'machine',
  region: 'NONE',
  refresh: 'IDLE',
  gen: 0,
  lifetimeLeftMs: undefined,
  retryInMs: 0,
  lastFailure: undefined,
  hadToken: false,
};

const fresh: CredentialView = { ...unused, region: 'FRESH', gen: 3, lifetimeLeftMs: 61_999, hadToken: true };

const noSession: SessionView = {
  credential: 'person',
  refreshToken: 'none',
  lifetimeLeftMs: undefined,
  intentSince: undefined,
  error: undefined,
};

function report(views: readonly CredentialView[], sessions: readonly SessionView[] = [], error?: string) {
  const facts: StatusFacts = {
    config,
    version: '1.2.3',
    uptimeMs: 5_999,
    views,
    store: { kind: 'sqlite', error, sessions },
  };
  return statusReport(facts);
}

/** The status of one credential, or of one of its tenants. */
function statusOf(view: Partial<CredentialView>, session?: Partial<SessionView>): CredentialStatus {
  const { credential = 'machine', tenant } = view;
  const sessions = session === undefined ? [] : [{ ...noSession, credential, tenant, ...session }];
  const found = report([{ ...unused, ...view }], sessions).credentials.find(
    (one) => one.credential === credential && one.tenant === tenant,
  );
  if (found === undefined) throw new Error('it is not in the report');
  return found;
}

const failure = (kind: FailureKind, more: Partial<Failure> = {}): Failure => ({
  kind,
  error: 'oops',
  detail: 'it went wrong',
  ...more,
});

describe('the status report', () => {
  it('tells of the instance, of its store and of every credential and tenant once, by name', () => {
    const views = [{ ...unused, credential: 'tenants', tenant: 'b' }, fresh];
    const sessions = ['c', 'b', 'a'].map((tenant) => ({ ...noSession, credential: 'tenants', tenant }));
    const { credentials, ...rest } = report(views, sessions);
    expect(rest).toEqual({
      running: true,
      version: '1.2.3',
      uptime_s: 5,
      store: { kind: 'sqlite', reachable: true },
    });
    expect(credentials.map(({ credential, tenant }) => [credential, tenant].join('/'))).toEqual([
      'lent/',
      'machine/',
      'person/',
      'seeded/',
      'tenants/a',
      'tenants/b',
      'tenants/c',
    ]);
  });

  it('tells why the store cannot be reached, and nothing of its sessions then', () => {
    const { store, credentials } = report([fresh], [], 'it is away');
    expect(store).toEqual({ kind: 'sqlite', reachable: false, error: 'it is away' });
    expect(credentials.filter((one) => 'session' in one)).toEqual([]);
  });

  it('tells of the token in force how long it was granted for and when its renewal is due', () => {
    const view = { lifetimeMs: 3_600_999, renewInMs: 1 };
    expect(statusOf({ ...fresh, ...view })).toMatchObject({ lifetime_s: 3_600, renew_in_s: 1 });
    expect(statusOf(fresh)).not.toHaveProperty('lifetime_s');
    expect(statusOf(fresh)).not.toHaveProperty('renew_in_s');
  });

  it('tells who can log in and that it drains when it is given that', () => {
    const store = { kind: 'memory', error: undefined, sessions: [] } as const;
    const facts: StatusFacts = { config, version: '1.2.3', uptimeMs: 0, views: [fresh], store };
    const canLogIn = ({ credential }: { credential: string }) => credential === 'person';
    const told = statusReport({ ...facts, draining: true, canLogIn });
    expect(told.draining).toBe(true);
    expect(told.credentials.filter((one) => one.can_log_in).map((one) => one.credential)).toEqual(['person']);
    expect(statusReport({ ...facts, draining: false })).not.toHaveProperty('draining');
    expect(statusReport(facts).credentials[0]).not.toHaveProperty('can_log_in');
  });

  it('tells of routes and workers when it is given any', () => {
    const route: RouteStatus = {
      route: '/machine',
      requests: 2,
      responses: { '1xx': 0, '2xx': 1, '3xx': 0, '4xx': 0, '5xx': 0 },
      unanswered: 1,
      errors: 0,
      recovered: 0,
      waited: 1,
      p50_ms: 0.25,
      p99_ms: 0.5,
    };
    const facts: StatusFacts = {
      config,
      version: '1.2.3',
      uptimeMs: 5_999,
      views: [],
      store: { kind: 'memory', error: undefined, sessions: [] },
      routes: [route],
    };
    expect(statusReport(facts)).toMatchObject({ routes: [route] });
    expect(statusReport(facts)).not.toHaveProperty('workers');
    const worker = { pid: 7, state: 'starting', restarts: 2 } as const;
    expect(statusReport({ ...facts, workers: [{ ...worker, uptimeMs: 61_999 }] }).workers).toEqual([
      { ...worker, uptime_s: 61 },
    ]);
  });

  it('tells of a token in force', () => {
    expect(statusOf(fresh)).toEqual({
      credential: 'machine',
      provider: 'plain',
      grant_type: 'client_credentials',
      state: 'FRESH',
      refresh: 'IDLE',
      well: true,
      gen: 3,
      had_token: true,
      lifetime_left_s: 61,
    });
  });

  it('tells of a session in the store that nothing was asked of yet', () => {
    const session = { refreshToken: 'stored', lifetimeLeftMs: 9_000, intentSince: 5 } as const;
    expect(statusOf({ credential: 'person' }, session)).toMatchObject({
      state: 'STORED',
      well: true,
      gen: 0,
      lifetime_left_s: 9,
      session: { refresh_token: 'stored', intent_pending: true },
    });
    expect(statusOf({ ...fresh, credential: 'person' }, session)).toMatchObject({
      state: 'FRESH',
      lifetime_left_s: 61,
    });
  });

  it.each<[string, boolean, Partial<CredentialView>, Partial<SessionView>?]>([
    ['nothing was asked of it', true, {}],
    ['its token is being renewed', true, { ...fresh, region: 'HARD', refresh: 'IN_FLIGHT' }],
    ['it serves while renewals fail', true, { ...fresh, region: 'SOFT', lastFailure: failure('transient') }],
    ['it is blocked, although it serves', false, { ...fresh, refresh: 'BLOCKED' }],
    ['it has no token after a failure', false, { refresh: 'BACKOFF', lastFailure: failure('transient') }],
    ['its token is over and nobody needed it since', true, { ...fresh, region: 'EXPIRED' }],
    [
      'its token is over after a failure',
      false,
      { ...fresh, region: 'EXPIRED', lastFailure: failure('timeout') },
    ],
    ['nobody has logged in', false, { credential: 'person' }, { refreshToken: 'none' }],
    ['its refresh token is spent', false, { credential: 'person' }, { refreshToken: 'spent' }],
    [
      'only its access token is left',
      true,
      { credential: 'person' },
      { refreshToken: 'none', lifetimeLeftMs: 1 },
    ],
    ['its session is configured', true, { credential: 'seeded' }, { refreshToken: 'configured' }],
    ['its session does not open', false, { ...fresh, credential: 'person' }, { refreshToken: 'unreadable' }],
  ])('when %s: well is %s', (_when, well, view, session) => {
    expect(statusOf(view, session).well).toBe(well);
  });

  it('says when a request may start again, if that is known', () => {
    expect(statusOf({ refresh: 'BACKOFF', retryInMs: 1_200 }).retry_in_s).toBe(2);
    expect(statusOf({ refresh: 'BLOCKED', retryInMs: Infinity })).not.toHaveProperty('retry_in_s');
    expect(statusOf({ retryInMs: 0 })).not.toHaveProperty('retry_in_s');
  });

  it.each<[FailureKind, RegExp | undefined, Partial<CredentialView>?]>([
    ['transient', /token\.url and the network/],
    ['timeout', /token\.url and the network/],
    ['rate_limited', /who else uses the credential/],
    ['bad_answer', /response section/],
    ['config', /token section/],
    ['invalid_client', /client_id and client_secret/],
    ['invalid_grant', /grant_type/],
    ['reauthorization', /^cupbearer login person$/, { credential: 'person' }],
    ['reauthorization', /^cupbearer login tenants --tenant a$/, { credential: 'tenants', tenant: 'a' }],
    ['reauthorization', /new refresh_token/, { credential: 'seeded' }],
    ['store', /store\.url/],
    ['store_unreadable', /store\.key/],
    ['lender', /credential machine/, { credential: 'lent' }],
    ['stopped', undefined],
  ])('says what to do about %s: %s', (kind, advice, view = {}) => {
    const { last_error } = statusOf({ ...view, lastFailure: failure(kind) });
    expect(last_error).toMatchObject({ kind, error: 'oops', detail: 'it went wrong' });
    if (advice === undefined) expect(last_error).not.toHaveProperty('what_to_do');
    else expect(last_error?.what_to_do).toMatch(advice);
  });
});
