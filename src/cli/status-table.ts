import { spoken, stateOf } from '../admin/state-words.ts';
import type { CredentialStatus, StatusReport } from '../admin/status.ts';
import { plain } from './plain.ts';
import { routeLines, workersLine } from './route-table.ts';
import { table } from './table.ts';

/** What a running instance tells, for a person. */
export function renderRunning(report: StatusReport): string {
  const { version, uptime_s = 0, store, credentials, routes = [], workers = [] } = report;
  const head = `Cupbearer ${version}, up ${spoken(uptime_s)}. ${storeLine(store)}`;
  const rows = credentials.map((one) => ({
    cells: [one.credential, one.tenant ?? '', stateOf(one), left(one.lifetime_left_s)],
    notes: notesOf(one),
  }));
  return plainLines([
    head,
    ...workersLine(workers),
    '',
    ...table(['CREDENTIAL', 'TENANT', 'STATE', 'LEFT'], rows),
    ...routeLines(routes),
  ]);
}

/** What the store holds while nothing runs, for a person. */
export function renderStored({ store, credentials }: StatusReport): string {
  const rows = credentials
    .filter(({ session }) => session !== undefined)
    .map(({ credential, tenant = '', session, lifetime_left_s }) => ({
      cells: [credential, tenant, refreshToken(session?.refresh_token), left(lifetime_left_s)],
      notes: [
        ...(session?.intent_pending ? ['a refresh was begun; its answer is not stored'] : []),
        ...(session?.error === undefined ? [] : [session.error]),
      ],
    }));
  const head = storeLine(store);
  if (rows.length === 0)
    return plainLines([store.reachable ? `${head} No credential has a session in it.` : head]);
  return plainLines([head, '', ...table(['CREDENTIAL', 'TENANT', 'REFRESH TOKEN', 'TOKEN LEFT'], rows)]);
}

function storeLine({ kind, reachable, error }: StatusReport['store']): string {
  if (kind === 'memory' && !reachable) return 'Store: memory, known to nobody but the process that serves.';
  return reachable ? `Store: ${kind}.` : `Store: ${kind}, cannot be used: ${error}.`;
}

function notesOf({ last_error, session }: CredentialStatus): string[] {
  const notes: string[] = [];
  if (last_error !== undefined) notes.push(`${last_error.error}: ${last_error.detail}`);
  const advice = last_error?.what_to_do;
  if (advice !== undefined && !last_error?.detail.includes(advice)) notes.push(`→ ${advice}`);
  if (session?.error !== undefined && session.error !== last_error?.detail) notes.push(session.error);
  return notes;
}

function refreshToken(state: string | undefined): string {
  switch (state) {
    case 'stored':
      return 'there';
    case 'configured':
      return 'as configured';
    case 'spent':
      return 'spent: login needed';
    case 'none':
      return 'none: login needed';
    default:
      return state ?? '';
  }
}

function left(seconds: number | undefined): string {
  if (seconds === undefined) return '';
  return seconds <= 0 ? 'over' : spoken(seconds);
}

function plainLines(lines: readonly string[]): string {
  return lines.map((line) => `${plain(line)}\n`).join('');
}
