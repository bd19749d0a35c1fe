import type { X509Certificate } from 'node:crypto';

/** What a person asks about a server's certificate. Names are those of `check --online --json`. */
export interface CertificateFacts {
  /** The names it is for. */
  readonly subject: string;
  readonly issuer: string;
  /** ISO 8601, UTC. */
  readonly valid_to: string;
  /** Whole days until then, rounded down. */
  readonly days_left: number;
}

const dayMs = 86_400_000;

/** `now` in ms since the Unix epoch. */
export function certificateFacts(certificate: X509Certificate, now: number): CertificateFacts {
  const end = certificate.validToDate;
  return {
    subject: alternativeNames(certificate.subjectAltName) || nameOf(certificate.subject),
    issuer: nameOf(certificate.issuer),
    valid_to: end.toISOString(),
    days_left: Math.floor((end.getTime() - now) / dayMs),
  };
}

const shownNames = 3;

/** `DNS:a.example, IP Address:192.0.2.1` → `a.example, 192.0.2.1` */
function alternativeNames(names: string | undefined): string {
  const all = (names ?? '')
    .split(', ')
    .map((one) => one.replace(/^(?:DNS|IP Address):/, ''))
    .filter((one) => one !== '');
  const more = all.length > shownNames ? ', …' : '';
  return all.slice(0, shownNames).join(', ') + more;
}

/** Of a distinguished name, one attribute a line, what people call it: its common name, else its organisation. */
function nameOf(distinguished: string | undefined): string {
  const text = distinguished ?? '';
  const of = (key: string) => new RegExp(`^${key}=(.+)$`, 'm').exec(text)?.[1];
  return of('CN') ?? of('O') ?? text.replaceAll('\n', ', ');
}
