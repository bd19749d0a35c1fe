import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { GuardedOptions } from './guarded.ts';
import type { MetricsOptions } from './metrics.ts';

export interface AdminOptions {
  /** Credentials that still have to get their first token before traffic makes sense. */
  readonly waitingFor: () => readonly string[];
  readonly draining: () => boolean;
  /** Whether callers can connect; absent: they always can. */
  readonly serving?: () => boolean;
  /** What a monitoring system scrapes; absent: nothing. */
  readonly metrics?: MetricsOptions | undefined;
  /** What is more than a probe; absent: nothing is. */
  readonly guarded?: GuardedOptions;
}

/**
 * The second listener. `/livez` says that the process answers and depends on no provider; `/readyz` waits for the
 * `warm` credentials and turns away traffic while draining: probes may call them from anywhere, and a monitoring system
 * `/metrics`. `/login/CREDENTIAL` is for a person's browser, `/api` for our own commands; both are for this machine alone,
 * but for a login page that the operator has put behind TLS. All but the probes is loaded when it is asked for first.
 */
export function createAdmin(options: AdminOptions): RequestListener {
  const { guarded, metrics } = options;
  const failed = (error: unknown, outgoing: ServerResponse) => {
    guarded?.failed(error);
    outgoing.destroy();
  };
  const rest = onDemand(async () => (await import('./guarded.ts')).createGuarded(guarded), failed);
  const scraped =
    metrics && onDemand(async () => (await import('./metrics.ts')).createMetrics(metrics), failed);
  return (incoming, outgoing) => {
    const state = probed(incoming, options);
    if (state !== undefined) {
      answerProbe(state, outgoing);
      return;
    }
    const isScrape = isReading(incoming) && pathOf(incoming) === '/metrics';
    (isScrape && scraped ? scraped : rest)(incoming, outgoing);
  };
}

/** A listener that is loaded when it is first called. */
function onDemand(
  load: () => Promise<RequestListener>,
  failed: (error: unknown, outgoing: ServerResponse) => void,
): RequestListener {
  let loaded: Promise<RequestListener> | undefined;
  return (incoming, outgoing) => {
    loaded ??= load();
    loaded.then(
      (listener) => listener(incoming, outgoing),
      (error: unknown) => failed(error, outgoing),
    );
  };
}

function isReading({ method }: IncomingMessage): boolean {
  return method === 'GET' || method === 'HEAD';
}

function pathOf({ url = '' }: IncomingMessage): string {
  return url.split('?', 1)[0] as string;
}

interface State {
  readonly status: 'ok' | 'draining' | 'starting' | 'waiting';
  readonly credentials?: readonly string[];
}

/** What a probe is told; undefined when it is none. */
function probed(
  incoming: IncomingMessage,
  { waitingFor, draining, serving }: AdminOptions,
): State | undefined {
  if (!isReading(incoming)) return undefined;
  const path = pathOf(incoming);
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
