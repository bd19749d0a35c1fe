import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { GuardedOptions } from './guarded.ts';

export interface AdminOptions {
  /** Credentials that still have to get their first token before traffic makes sense. */
  readonly waitingFor: () => readonly string[];
  readonly draining: () => boolean;
  /** Whether callers can connect; absent: they always can. */
  readonly serving?: () => boolean;
  /** What is more than a probe; absent: nothing is. */
  readonly guarded?: GuardedOptions;
}

/**
 * The second listener. `/livez` says that the process answers and depends on no provider; `/readyz` waits for the
 * `warm` credentials and turns away traffic while draining: probes may call them from anywhere. `/login/CREDENTIAL` is
 * for a person's browser, `/api` for our own commands; both are for this machine alone, but for a login page that the
 * operator has put behind TLS. All but the probes is loaded when it is asked for first.
 */
export function createAdmin(options: AdminOptions): RequestListener {
  const { guarded } = options;
  const load = async () => (await import('./guarded.ts')).createGuarded(guarded);
  let loaded: ReturnType<typeof load> | undefined;
  return (incoming, outgoing) => {
    const state = probed(incoming, options);
    if (state !== undefined) {
      answerProbe(state, outgoing);
      return;
    }
    loaded ??= load();
    loaded.then(
      (listener) => listener(incoming, outgoing),
      (error: unknown) => {
        guarded?.failed(error);
        outgoing.destroy();
      },
    );
  };
}

interface State {
  readonly status: 'ok' | 'draining' | 'starting' | 'waiting';
  readonly credentials?: readonly string[];
}

/** What a probe is told; undefined when it is none. */
function probed(
  { method, url = '' }: IncomingMessage,
  { waitingFor, draining, serving }: AdminOptions,
): State | undefined {
  if (method !== 'GET' && method !== 'HEAD') return undefined;
  const [path] = url.split('?', 1);
  if (path === '/livez') return { status: 'ok' };
  if (path !== '/readyz') return undefined;
  if (draining()) return { status: 'draining' };
  if (serving?.() === false) return { status: 'starting' };
  const credentials = waitingFor();
  return credentials.length === 0 ? { status: 'ok' } : { status: 'waiting', credentials };
}

function answerProbe(state: State, outgoing: ServerResponse): void {
  const body = JSON.stringify(state);
  outgoing.writeHead(state.status === 'ok' ? 200 : 503, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
  });
  outgoing.end(body);
}
