/** A token endpoint's JSON answer: one object. */
export type Answer = Readonly<Record<string, unknown>>;

/** The JSON object in `body`, or undefined when it is anything else. A byte order mark is skipped. */
export function parseAnswer(body: string): Answer | undefined {
  try {
    const value: unknown = JSON.parse(body.startsWith('\uFEFF') ? body.slice(1) : body);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** The value at a dotted path (`data.0.token`); a member whose name is the whole path wins. Empty path: undefined. */
export function valueAt(answer: Answer, path: string): unknown {
  if (path === '') return undefined;
  if (Object.hasOwn(answer, path)) return answer[path];
  let value: unknown = answer;
  for (const segment of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, segment)) return undefined;
    value = (value as Answer)[segment];
  }
  return value;
}

function isObject(value: unknown): value is Answer {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
