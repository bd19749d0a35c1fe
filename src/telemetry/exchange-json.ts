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
  readonly aborted?: string | undefined;
  readonly error?: string | undefined;
  /** Code of the underlying error, never its message. */
  readonly cause?: string | undefined;
}

/** Makes the JSON lines of exchanges, as pino would write them, each with its newline. */
export function exchangeWriter(): (line: ExchangeLine, level: 'info' | 'error') => string {
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
      middle = middleOf(line);
      end = endOf(line);
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
    a.aborted === b.aborted &&
    a.error === b.error &&
    a.cause === b.cause
  );
}

function middleOf({ method, route, credential, caller, status }: ExchangeLine): string {
  return `"${members({ method, route, credential, caller })},"status":${status},"ms":`;
}

function endOf({ token, retry, aborted, error, cause }: ExchangeLine): string {
  return `${members({ token, retry, aborted, error, cause })},"msg":"exchange"}\n`;
}

function members(texts: Readonly<Record<string, string | undefined>>): string {
  return Object.entries(texts)
    .map(([name, text]) => (text === undefined ? '' : `,"${name}":${JSON.stringify(text)}`))
    .join('');
}
