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
  return reachable ? `Store: ${kind}.` : `Store: ${kind}, cannot be used: ${error}.`;
}

function stateOf(status: CredentialStatus): string {
  const { state, refresh, session, last_error, retry_in_s } = status;
  const again = retry_in_s === undefined ? '' : `, again in ${spoken(retry_in_s)}`;
  if (refresh === 'BLOCKED') {
    return last_error?.kind === 'reauthorization' ? 'login needed' : `blocked: ${last_error?.error}`;
  }
  switch (state) {
    case 'FRESH':
      return refresh === 'IN_FLIGHT' ? 'renewing' : 'fresh';
    case 'SOFT':
    case 'HARD':
      if (refresh === 'IN_FLIGHT') return 'renewing';
      return last_error === undefined ? 'renewal due' : `renewal fails${again}`;
    case 'EXPIRED':
    case 'REJECTED': {
      const what = state === 'EXPIRED' ? 'expired' : 'refused upstream';
      return refresh === 'IN_FLIGHT' ? `${what}, renewing` : what + again;
    }
    case 'STORED':
      return session?.refresh_token === 'stored' ? 'in the store' : 'in the store, not renewable';
    case 'NONE':
      if (refresh === 'IN_FLIGHT') return 'fetching';
      if (session?.refresh_token === 'spent' || session?.refresh_token === 'none') return 'login needed';
      if (session?.refresh_token === 'unreadable') return 'blocked: unreadable session';
      return last_error === undefined ? 'not used yet' : `no token${again}`;
  }
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

/** Two units at most: `45s`, `52m`, `3h 5m`, `2d 4h`. */
function spoken(seconds: number): string {
  if (seconds < 60) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}m`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return minutes % 60 === 0 ? `${hours}h` : `${hours}h ${minutes % 60}m`;
  return hours % 24 === 0 ? `${hours / 24}d` : `${Math.floor(hours / 24)}d ${hours % 24}h`;
}

function left(seconds: number | undefined): string {
  if (seconds === undefined) return '';
  return seconds <= 0 ? 'over' : spoken(seconds);
}

function plainLines(lines: readonly string[]): string {
  return lines.map((line) => `${plain(line)}\n`).join('');
}
