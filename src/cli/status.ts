import { type StatusReport, statusReport } from '../admin/status.ts';
import { adminAddress } from '../config/admin-address.ts';
import type { Config } from '../config/config.ts';
import { CupbearerError } from '../errors.ts';
import { createMemoryStore } from '../store/memory.ts';
import { openStore } from '../store/open.ts';
import type { Store } from '../store/store.ts';
import { printableJson } from '../telemetry/printable.ts';
import { systemClock } from '../token/clock.ts';
import { type StoreView, viewStore } from '../token/session-view.ts';
import { type AdminAnswer, askAdmin, notOurs, refusalIn } from './admin-client.ts';
import { readStatus } from './admin-report.ts';
import { type Command, type CommandInput, configOption } from './command.ts';
import { loadAndReport } from './load.ts';
import { isUnmade } from './own-registry.ts';
import { plain } from './plain.ts';
import { renderRunning, renderStored } from './status-table.ts';
import { version } from './version.ts';

export const command: Command = {
  usage: 'status',
  summary: 'Shows the state of every credential and tenant, and what is wrong.',
  details: `
Asks the running serve on its admin listener; it also tells what its routes were asked since the start, ERRORS being its
own answers, P50 and P99 estimates of how long requests took. When none answers, shows what the store holds.
Exits with 0 when every credential is well; with 1 when one is blocked, needs a login or has no token after a failure,
when the store of sessions cannot be reached, when no instance answers, or one with another configuration, also because
it has refused the file as it is now. With 2 when the file is not valid as this command reads it; an instance that
answers is shown all the same.`,
  options: {
    config: configOption,
    json: { type: 'boolean', description: 'Print JSON' },
  },
  positionals: 0,
  run: status,
};

const answerMs = 2_000;
const storeMs = 2_000;

async function status(input: CommandInput): Promise<0 | 1 | 2> {
  const { config, text } = loadAndReport(input);
  if (config === undefined) {
    const admin = text === undefined ? undefined : adminAddress(text, input.env);
    if (admin !== undefined) await tellWithoutFile(admin, input);
    return 2;
  }
  const { answer, live } = await ask(config.server);
  const report = live ?? (await storedReport(config));
  const unknown = live === undefined ? [] : missingIn(live, config);
  if (live === undefined) input.err(`${plain(whyNot(answer))}.\n`);
  if (unknown.length > 0) {
    input.err(`The instance has another configuration: it does not know ${unknown.join(', ')}.\n`);
  }
  for (const line of refusedIn(live)) input.err(`${plain(line)}\n`);
  print(report, live === undefined ? renderStored : renderRunning, input);
  return live !== undefined && unknown.length === 0 && isWell(live, config) ? 0 : 1;
}

async function ask(server: Pick<Config['server'], 'admin'>) {
  const answer = await askAdmin({ server }, { method: 'GET', path: '/api/status', withinMs: answerMs });
  const live = answer.kind === 'answer' && answer.status === 200 ? readStatus(answer.body) : undefined;
  return { answer, live };
}

/** Tells of the instance that serves although the file, as this command reads it, is not valid. */
async function tellWithoutFile(admin: Config['server']['admin'], input: CommandInput): Promise<void> {
  const { answer, live } = await ask({ admin });
  if (live === undefined) return;
  input.err(
    `An instance answers at ${answer.where} all the same, and serves with the configuration it has.\n`,
  );
  print(live, renderRunning, input);
}

function print(
  report: StatusReport,
  render: (report: StatusReport) => string,
  { options, out }: CommandInput,
): void {
  out(options.json === true ? `${printableJson(JSON.stringify(report, null, 2))}\n` : render(report));
}

/** What an instance says of a configuration file that it does not take. */
function refusedIn(live: StatusReport | undefined): string[] {
  const { refused } = live?.config ?? {};
  if (refused === undefined) return [];
  return [
    `The instance has refused the configuration file at ${refused.at} and serves on with the one before it:`,
    ...refused.problems.map((problem) => `  ${problem.trim()}`),
  ];
}

/** Credentials of the configuration that a report says nothing of. */
function missingIn({ credentials }: StatusReport, config: Config): string[] {
  const told = new Set(credentials.map(({ credential }) => credential));
  return Object.entries(config.credentials)
    .filter(([name, { tenant }]) => tenant === undefined && !told.has(name))
    .map(([name]) => name);
}

function whyNot(answer: AdminAnswer): string {
  if (answer.kind === 'answer') {
    const { status } = answer;
    return status === 200 ? sentence(notOurs(answer)) : `The instance refuses to tell: ${refusalIn(answer)}`;
  }
  return `No instance answers at ${answer.where} (${answer.why})`;
}

function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** A store in memory is always there; another one matters to credentials that have sessions. */
function isWell({ store, credentials, config }: StatusReport, { store: { url } }: Config): boolean {
  if (config?.refused !== undefined) return false;
  return credentials.every(({ well }) => well) && (store.reachable || url.kind === 'memory');
}

/** What the store tells while nothing runs. */
async function storedReport(config: Config): Promise<StatusReport> {
  const store = await lookInto(config);
  return statusReport({ config, version: version(), uptimeMs: undefined, views: [], store });
}

async function lookInto(config: Config): Promise<StoreView> {
  const clock = systemClock;
  const now = () => clock.wall();
  const { kind } = config.store.url;
  if (kind === 'memory') return { kind, error: 'it is inside the process that serves', sessions: [] };
  let store: Store | undefined;
  try {
    store = isUnmade(config.store) ? createMemoryStore(now) : await openStore(config.store, { now });
    return { ...(await viewStore({ config, store, clock, withinMs: storeMs })), kind };
  } catch (error) {
    if (!(error instanceof CupbearerError)) throw error;
    return { kind, error: error.message, sessions: [] };
  } finally {
    await store?.close();
  }
}
