import { type RevokeReport, revokeReport } from '../admin/control.ts';
import type { Config } from '../config/config.ts';
import { CupbearerError } from '../errors.ts';
import { hasSession } from '../provider/grant-type.ts';
import { type AdminAnswer, askAdmin, notOurs, refusalIn } from './admin-client.ts';
import { readRevocation, readStatus } from './admin-report.ts';
import { chosenCredential, chosenTenant, tenantOption } from './chosen-credential.ts';
import { type Command, type CommandInput, configOption } from './command.ts';
import { loadOrReport } from './load.ts';
import { isUnmade, openOwnRegistry } from './own-registry.ts';
import { plain } from './plain.ts';

export const command: Command = {
  usage: 'revoke CREDENTIAL',
  summary: 'Revokes the tokens of a credential at its provider and deletes its session.',
  details: `
A running serve does it and forgets its token; when none answers, a session in the store is revoked from here.
Exits with 1 when something was not done or a token may still be good.`,
  options: {
    config: configOption,
    tenant: tenantOption,
    'all-tenants': { type: 'boolean', description: 'Every tenant that has a token or a session' },
  },
  positionals: 1,
  sendsSecrets: true,
  run: revoke,
};

/** Longer than a running serve takes for it. */
const revokeMs = 15_000;
const statusMs = 5_000;

async function revoke(input: CommandInput): Promise<0 | 1 | 2> {
  const { options, positionals } = input;
  const config = loadOrReport(input);
  if (config === undefined) return 2;
  const [name = ''] = positionals;
  const credential = chosenCredential(config, name);
  if (credential.grant_type === 'static') {
    input.err(
      `cupbearer: ${name}: a static key cannot be revoked from here; withdraw it where it was made,\n`,
    );
    input.err('and put the next one in its place\n');
    return 1;
  }
  const all = options['all-tenants'] === true;
  if (all && (options.tenant !== undefined || credential.tenant === undefined)) {
    const why = credential.tenant === undefined ? `credential ${name} has no tenants` : 'there is --tenant';
    throw new CupbearerError('usage', `${why}; leave --all-tenants out`);
  }
  const tenant = all ? undefined : chosenTenant(credential, name, options.tenant);
  const outcome = await byInstance(input, config, name, all ? 'all' : [tenant]);
  const code =
    outcome.kind === 'done'
      ? outcome.code
      : await byStore(input, config, name, all ? 'all' : [tenant], outcome);
  if (credential.refresh_token !== undefined) {
    input.out('the configured refresh_token starts nothing any more: log in, or configure another\n');
  }
  return code;
}

/** `all`: every tenant there is. */
type Targets = readonly (string | undefined)[] | 'all';
type Absent = Extract<AdminAnswer, { kind: 'absent' }>;

/** Has the running instance do it, one after the other; or says that there is none. */
async function byInstance(
  input: CommandInput,
  config: Config,
  name: string,
  targets: Targets,
): Promise<Absent | { kind: 'done'; code: 0 | 1 }> {
  const tenants = targets === 'all' ? await tenantsThere(config, name) : targets;
  if ('kind' in tenants) return tenants;
  if (tenants.length === 0) input.out(`${name}: nothing to revoke: no tenant has a token or a session\n`);
  let code: 0 | 1 = 0;
  for (const tenant of tenants) {
    const query = tenant === undefined ? '' : `?tenant=${encodeURIComponent(tenant)}`;
    const path = `/api/revoke/${encodeURIComponent(name)}${query}`;
    const answer = await askAdmin(config, { method: 'POST', path, withinMs: revokeMs });
    if (answer.kind === 'absent') return answer;
    const report = answered(answer, (body) => readRevocation(body, name, tenant));
    code = tell(input, report) ? code : 1;
  }
  return { kind: 'done', code };
}

async function tenantsThere(config: Config, name: string): Promise<Absent | (string | undefined)[]> {
  const answer = await askAdmin(config, { method: 'GET', path: '/api/status', withinMs: statusMs });
  if (answer.kind === 'absent') return answer;
  const { store, credentials } = answered(answer, readStatus);
  if (!store.reachable) {
    throw new CupbearerError(
      'store-unavailable',
      plain(`which tenants there are cannot be told: ${store.error}`),
    );
  }
  return credentials.filter((one) => one.credential === name).map(({ tenant }) => tenant);
}

/** What an answer of 200 says, as `read` understands it. Throws what any other means. */
function answered<T>(answer: Exclude<AdminAnswer, Absent>, read: (body: unknown) => T | undefined): T {
  if (answer.kind === 'unknown') {
    throw new CupbearerError('internal', `the instance at ${answer.where} does not answer: ${answer.why}`);
  }
  if (answer.status !== 200) {
    throw new CupbearerError('internal', `the instance refuses: ${refusalIn(answer)}`);
  }
  const report = read(answer.body);
  if (report === undefined) throw new CupbearerError('internal', notOurs(answer));
  return report;
}

/** Revokes what the store holds from here. */
async function byStore(
  input: CommandInput,
  config: Config,
  name: string,
  targets: Targets,
  { where, why }: Absent,
): Promise<0 | 1> {
  const grantType = config.credentials[name]?.grant_type;
  const holds = grantType !== undefined && hasSession(grantType) && config.store.url.kind !== 'memory';
  if (holds && isUnmade(config.store)) {
    input.out(`${name}: nothing to revoke: there is no store yet\n`);
    return 0;
  }
  if (!holds) {
    input.err(`cupbearer: ${name}: nothing to revoke: no instance answers at ${where} (${why}),\n`);
    input.err('and no token is kept anywhere else; one that was given out is good until it expires\n');
    return 1;
  }
  const { registry, store, close } = await openOwnRegistry(config);
  try {
    const keys = (await store.list()).filter((key) => key.credential === name);
    const tenants = targets === 'all' ? keys.map(({ tenant }) => tenant) : targets;
    if (tenants.length === 0) input.out(`${name}: nothing to revoke: the store has no session\n`);
    let code: 0 | 1 = 0;
    for (const tenant of tenants) {
      const report = revokeReport(name, tenant, await registry.revoke(name, tenant));
      code = tell(input, report) ? code : 1;
    }
    return code;
  } finally {
    await close();
  }
}

/** Says what happened; false when a token may still be good. */
function tell({ out, err }: CommandInput, report: RevokeReport): boolean {
  const { credential, tenant, revoked, session_deleted, supported, error } = report;
  const whose = plain(tenant === undefined ? credential : `${credential} (tenant ${tenant})`);
  const done = [
    ...(revoked > 0 ? [`${revoked} ${revoked === 1 ? 'token' : 'tokens'} revoked at the provider`] : []),
    ...(session_deleted ? ['session deleted'] : []),
  ].join(', ');
  if (!supported) {
    err(`cupbearer: ${whose}: the provider has no revocation endpoint; tokens are good until they expire\n`);
  } else if (error !== undefined) {
    // RFC 7009 §2.2.1: after 503 the token must be taken to exist still.
    err(plain(`cupbearer: ${whose}: not everything was revoked (${error.error}): ${error.detail}`));
    const next = session_deleted ? 'revoke it at the provider itself' : 'nothing was deleted: try again';
    err(`\na token may still be good; ${next}\n`);
  }
  if (done !== '') out(`${whose}: ${done}\n`);
  else if (supported && error === undefined) out(`${whose}: nothing to revoke: no token and no session\n`);
  return supported && error === undefined;
}
