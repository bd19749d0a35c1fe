/** What may be told of any error: never a message, which may hold what was sent or received. */
export type ErrorFacts = Readonly<Record<'error' | 'code' | 'causes' | 'at', string | undefined>>;

const maxFrames = 12;
const maxCauses = 4;

/** The kind of an error, its code, those of what caused it, and where in the program it arose. Never throws. */
export function errorFacts(error: unknown): ErrorFacts {
  const causes = causesOf(error).map((one) =>
    [nameOf(one), codeOf(one)].filter((part) => part !== undefined).join(' '),
  );
  return {
    error: nameOf(error),
    code: codeOf(error),
    causes: causes.length === 0 ? undefined : causes.join(', '),
    at: framesOf(error),
  };
}

/** `ECONNRESET`; undefined where an error has no code, or one that may be anything. */
export function codeOf(error: unknown): string | undefined {
  return wordOf(property(error, 'code'));
}

/** `TypeError`; `unknown` for what is no error. */
export function nameOf(error: unknown): string {
  return (error instanceof Error ? wordOf(property(error, 'name')) : undefined) ?? 'unknown';
}

function causesOf(error: unknown): unknown[] {
  const found: unknown[] = [];
  const next = [error];
  while (found.length < maxCauses && next.length > 0) {
    const one = next.shift();
    if (one !== error && one instanceof Error) found.push(one);
    const errors = property(one, 'errors');
    next.push(...(Array.isArray(errors) ? errors.slice(0, maxCauses) : []));
    const cause = property(one, 'cause');
    if (cause !== undefined && cause !== error && !found.includes(cause)) next.push(cause);
  }
  return found;
}

/** A word of a program, not a sentence and hardly a secret. */
function wordOf(value: unknown): string | undefined {
  return typeof value === 'string' && /^[A-Za-z][A-Za-z0-9_]{0,47}$/.test(value) ? value : undefined;
}

function property(value: unknown, name: string): unknown {
  try {
    return (value as Record<string, unknown> | null | undefined)?.[name];
  } catch {
    return undefined;
  }
}

const frame = /^ {4}at (?:.* \()?(?:file:\/\/)?(\/[\w./@+-]+|node:[\w/]+):(\d+):\d+\)?$/;

/** `src/cli/start.ts:12 < node:net:1`: files of this program and of Node, innermost first. */
function framesOf(error: unknown): string | undefined {
  const stack = property(error, 'stack');
  const message = property(error, 'message');
  if (typeof stack !== 'string') return undefined;
  // A message may look like frames.
  const end = typeof message === 'string' ? stack.indexOf(message) + message.length : 0;
  const frames = stack
    .slice(Math.max(end, 0))
    .split('\n')
    .flatMap((line) => {
      const [, file = '', row = ''] = frame.exec(line) ?? [];
      const known = /^node:|\/((?:src|dist|node_modules)\/.*)$/.exec(file);
      return known === null ? [] : [`${known[1] ?? file}:${row}`];
    });
  return frames.length === 0 ? undefined : frames.slice(0, maxFrames).join(' < ');
}
