import { CupbearerError } from '../errors.ts';

/** The host names callers may use. */
export interface AllowedHosts {
  /** Whether a Host field names one. Throws CupbearerError `malformed-request` (RFC 9110 §7.2). */
  field(value: string): boolean;
  /** Whether it is one, in any case. */
  name(host: string): boolean;
}

/** Loopback's own names and the configured ones. */
export function allowedHosts(configured: readonly string[]): AllowedHosts {
  const names = new Set(['localhost', '127.0.0.1', '[::1]', ...configured.map((name) => name.toLowerCase())]);
  // Nearly every request carries the same field.
  let lastAllowed: string | undefined;
  const name = (host: string) => names.has(host.toLowerCase());
  return {
    name,
    field(value) {
      if (value === lastAllowed) return true;
      if (!name(hostOf(value))) return false;
      lastAllowed = value;
      return true;
    },
  };
}

/** What is said to a request for any other host. */
export function hostRefused(): CupbearerError {
  return new CupbearerError(
    'host-refused',
    'this Host is not served here; add its name to server.hosts if it should be',
  );
}

const hostField = /^(\[[0-9A-Fa-f:.]+\]|[^:@/\\?#\s,[\]]+)(?::(\d{1,5}))?$/;

function hostOf(field: string): string {
  const [, host, port = '0'] = hostField.exec(field) ?? [];
  if (host === undefined || Number(port) > 65_535) {
    throw new CupbearerError('malformed-request', 'the Host field is malformed (RFC 9110 §7.2)');
  }
  return host;
}
