import type { SeenRequest } from './vendor.ts';

/** The value of a field as shown to people: of a credential, its scheme and twelve characters. */
export function shortCredential(value: string): string {
  const space = value.indexOf(' ');
  const scheme = space < 0 ? '' : value.slice(0, space + 1);
  const rest = value.slice(scheme.length);
  if (scheme === 'Basic ') return 'Basic …';
  return rest.length < 24
    ? `${scheme}…`
    : `${scheme}${rest.slice(0, 8)}…${rest.slice(-4)} (${rest.length} characters)`;
}

/** The first value of a field of a seen request, by its name in any case. */
export function fieldOf(request: SeenRequest | undefined, name: string): string | undefined {
  for (let i = 0; request !== undefined && i < request.headers.length; i += 2) {
    if (request.headers[i]?.toLowerCase() === name) return request.headers[i + 1];
  }
  return undefined;
}

const shownParams = /^(?:grant_?type|scope|user_?type)$/i;

/** The parameters of a token request as shown to people: most values may be secret, and only their names appear. */
export function shortBody(request: SeenRequest): string {
  const isForm = fieldOf(request, 'content-type')?.startsWith('application/x-www-form-urlencoded');
  const params = isForm ? [...new URLSearchParams(request.body)] : jsonMembers(request.body);
  return params.map(([name, value]) => `${name}=${shownParams.test(name) ? value : '…'}`).join('  ');
}

function jsonMembers(body: string): [string, string][] {
  try {
    return Object.entries(JSON.parse(body) as object).map(([name, value]) => [name, String(value)]);
  } catch {
    return [];
  }
}

/** One line, cut to `width` characters. */
export function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, width - 1)}…`;
}

/** A table in plain text; the first column left, the others right. */
export function table(rows: readonly (readonly (string | number)[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => String(row[column]).length)),
  );
  const line = (row: readonly (string | number)[]) =>
    row
      .map((cell, i) =>
        i === 0 ? String(cell).padEnd(widths[i] ?? 0) : String(cell).padStart(widths[i] ?? 0),
      )
      .join('   ');
  const [head = [], ...body] = rows.map(line);
  return [head, '─'.repeat(head.length), ...body].join('\n');
}
