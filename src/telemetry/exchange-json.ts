import { printableJson } from './printable.ts';

/** What may be logged of an exchange: no field values, no paths, no queries. */
export interface ExchangeLine {
  /** Letters, digits and hyphens. */
  readonly id: string;
  readonly method: string;
  readonly route?: string | undefined;
  readonly credential?: string | undefined;
  readonly caller?: string | undefined;
  readonly status: number;
  /** Milliseconds from the request's head to the end of the exchange. */
  readonly ms: number;
  readonly upstream_ms?: number | undefined;
  readonly token?: string | undefined;
  readonly retry?: string | undefined;
  /** Why it was sent again with the same token. */
  readonly resent?: string | undefined;
  readonly aborted?: string | undefined;
  /** Of a WebSocket: what ended it. */
  readonly tunnel?: string | undefined;
  readonly error?: string | undefined;
  /** Code of the underlying error, never its message. */
  readonly cause?: string | undefined;
}

/**
 * Makes the JSON lines of exchanges, as pino would write them, each with its newline. `clean` is what becomes of texts:
 * it is asked only when they differ from those of the line before.
 */
export function exchangeWriter(clean: Clean): (line: ExchangeLine, level: 'info' | 'error') => string {
  let lastMs = 0;
  let start = '';
  // Lines that follow each other mostly differ in their figures alone.
  let like: ExchangeLine | undefined;
  let middle = '';
  let end = '';
  return (line, level) => {
    const now = Date.now();
    if (now !== lastMs) {
      lastMs = now;
      start = `"time":"${new Date(now).toISOString()}","id":"`;
    }
    if (like === undefined || !isAlike(line, like)) {
      like = line;
      middle = middleOf(line, clean);
      end = endOf(line, clean);
    }
    const upstream = line.upstream_ms === undefined ? '' : `,"upstream_ms":${line.upstream_ms}`;
    return `{"level":"${level}",${start}${line.id}${middle}${line.ms}${upstream}${end}`;
  };
}

function isAlike(a: ExchangeLine, b: ExchangeLine): boolean {
  return (
    a.route === b.route &&
    a.credential === b.credential &&
    a.status === b.status &&
    a.method === b.method &&
    a.caller === b.caller &&
    a.token === b.token &&
    a.retry === b.retry &&
    a.resent === b.resent &&
    a.aborted === b.aborted &&
    a.tunnel === b.tunnel &&
    a.error === b.error &&
    a.cause === b.cause
  );
}

type Clean = (text: string) => string;

function middleOf({ method, route, credential, caller, status }: ExchangeLine, clean: Clean): string {
  return `"${members({ method, route, credential, caller }, clean)},"status":${status},"ms":`;
}

function endOf(line: ExchangeLine, clean: Clean): string {
  const { token, retry, resent, aborted, tunnel, error, cause } = line;
  return `${members({ token, retry, resent, aborted, tunnel, error, cause }, clean)},"msg":"exchange"}\n`;
}

function members(texts: Readonly<Record<string, string | undefined>>, clean: Clean): string {
  const json = Object.entries(texts)
    .map(([name, text]) => (text === undefined ? '' : `,"${name}":${JSON.stringify(clean(text))}`))
    .join('');
  return printableJson(json);
}
