import type { CredentialStatus } from './status.ts';

/** How urgent a state is: `good` serves, `idle` has not been asked yet, `busy` renews, `warn` serves for now, `bad` does not. */
export type Tone = 'good' | 'idle' | 'busy' | 'warn' | 'bad';

/** The state of a credential in a word or two. */
export function stateOf(status: CredentialStatus): string {
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

/** How urgent that is. */
export function toneOf({ state, refresh, well, last_error, session }: CredentialStatus): Tone {
  if (!well) return 'bad';
  if (refresh === 'IN_FLIGHT') return 'busy';
  if (last_error !== undefined || (state === 'STORED' && session?.refresh_token !== 'stored')) return 'warn';
  if (state === 'NONE' || state === 'STORED') return 'idle';
  return state === 'EXPIRED' || state === 'REJECTED' ? 'warn' : 'good';
}

/** Two units at most: `45s`, `52m`, `3h 5m`, `2d 4h`. */
export function spoken(seconds: number): string {
  if (seconds < 60) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}m`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return minutes % 60 === 0 ? `${hours}h` : `${hours}h ${minutes % 60}m`;
  return hours % 24 === 0 ? `${hours / 24}d` : `${Math.floor(hours / 24)}d ${hours % 24}h`;
}
