import { Agent, request } from 'undici';
import type { Config } from '../config/config.ts';
import { isLoopback } from '../config/reach.ts';
import { plain } from './plain.ts';

/** What became of a request to the admin listener. */
export type AdminAnswer =
  /**
   * What answered says that it is an instance. `body` is JSON from outside: when the status is 200 to be read by
   * `admin-report.ts`; else `refusalIn` tells.
   */
  | {
      readonly kind: 'answer';
      readonly where: string;
      readonly status: number;
      readonly body: Readonly<Record<string, unknown>>;
    }
  /** There is none at `where`, or what is there is no Cupbearer. */
  | { readonly kind: 'absent'; readonly where: string; readonly why: string }
  /** Something took the request, and whether it was carried out is not known. */
  | { readonly kind: 'unknown'; readonly where: string; readonly why: string };

export interface AdminRequest {
  readonly method: 'GET' | 'POST';
  /** With its query. */
  readonly path: string;
  /** Milliseconds for the whole answer. */
  readonly withinMs: number;
}

/** What an answer that is not 200 says, for a person. */
export function refusalIn({ where, status, body }: Extract<AdminAnswer, { kind: 'answer' }>): string {
  if (typeof body.detail !== 'string') return `it answers ${status}; is it another version?`;
  const detail = plain(body.detail);
  const isOutside = !where.startsWith('unix:') && !isLoopback(where.replace(/:\d+$/, ''));
  // To the instance, who comes to such an address comes from the network.
  return status === 403 && isOutside
    ? `${detail}; commands need a server.admin on 127.0.0.1 or unix:/path, and it is ${where}`
    : detail;
}

/** Says that an answer of 200 is not what an instance answers. */
export function notOurs({ where }: Extract<AdminAnswer, { kind: 'answer' }>): string {
  return `something else answers at ${where}, or another version of Cupbearer: its answer was not understood`;
}

const connectMs = 2_000;
const maxBodyBytes = 64 * 1024 * 1024;

/** Asks the Cupbearer that runs with the same configuration on this machine. Never rejects. */
export async function askAdmin(
  { server: { admin } }: { readonly server: Pick<Config['server'], 'admin'> },
  { method, path, withinMs }: AdminRequest,
): Promise<AdminAnswer> {
  if (admin === 'off') return { kind: 'absent', where: 'server.admin', why: 'it is off' };
  if (admin.kind === 'tcp' && admin.port === 0)
    return { kind: 'absent', where: 'server.admin', why: 'its port is 0' };
  const { origin, where } = placeOf(admin);
  const dispatcher = new Agent({
    connect: { timeout: connectMs, ...(admin.kind === 'unix' && { socketPath: admin.path }) },
    maxResponseSize: maxBodyBytes,
    allowH2: false,
  });
  try {
    const { statusCode, headers, body } = await request(origin + path, {
      method,
      headers: { host: 'localhost', 'x-cupbearer': '1' },
      dispatcher,
      signal: AbortSignal.timeout(withinMs),
    });
    const json = parseObject(await body.text());
    if (json === undefined || headers['x-cupbearer'] !== '1')
      return { kind: 'absent', where, why: 'what answers there is no Cupbearer, or another version of it' };
    return { kind: 'answer', where, status: statusCode, body: json };
  } catch (error) {
    const { code, name } = error as { code?: string; name?: string };
    const isConnecting = (error as { syscall?: string }).syscall === 'connect';
    if (isConnecting || code === 'UND_ERR_CONNECT_TIMEOUT')
      return { kind: 'absent', where, why: reasons[code ?? ''] ?? code ?? 'no connection' };
    const late = name === 'TimeoutError' ? `no answer within ${withinMs / 1_000} s` : undefined;
    return { kind: 'unknown', where, why: late ?? code ?? name ?? 'the connection broke' };
  } finally {
    await dispatcher.destroy();
  }
}

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ENOENT: 'there is no such socket',
  EACCES: 'no permission for the socket',
  UND_ERR_CONNECT_TIMEOUT: 'no connection in time',
};

function placeOf(admin: Exclude<Config['server']['admin'], 'off'>): { origin: string; where: string } {
  if (admin.kind === 'unix') return { origin: 'http://localhost', where: `unix:${admin.path}` };
  const host = { '0.0.0.0': '127.0.0.1', '::': '::1' }[admin.host] ?? admin.host;
  const where = `${host.includes(':') ? `[${host}]` : host}:${admin.port}`;
  return { origin: `http://${where}`, where };
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}
