import { type Answer, parseAnswer, valueAt } from './answer.ts';
import type { ExpiryRule, ResponseShape } from './provider.ts';

export interface Lifetime {
  /** Milliseconds from now; 0 when the token had expired on arrival. Always an integer in [0, 2^53). */
  readonly lifetimeMs: number;
  /** False when the answer gave none and default_lifetime stands in. */
  readonly lifetimeKnown: boolean;
  readonly warnings: readonly string[];
}

const firstMillisecondEpoch = 1e11;

/**
 * The lifetime an answer states: the first of the rules that yields one, else default_lifetime, which is no news
 * where there are no rules. `now` (ms since the epoch) is what absolute times are measured against; see `answerTime`.
 */
export function readLifetime(answer: Answer, shape: ResponseShape, now: number): Lifetime {
  for (const rule of shape.expires) {
    const ms = remaining(valueAt(answer, rule.path), rule.as, now);
    if (ms === undefined) continue;
    if (ms > 0) return { lifetimeMs: ms, lifetimeKnown: true, warnings: [] };
    return { lifetimeMs: 0, lifetimeKnown: true, warnings: ['the token had expired when it arrived'] };
  }
  const why = 'the answer gives no lifetime that can be read: default_lifetime is used';
  const warnings = shape.expires.length === 0 ? [] : [why];
  return { lifetimeMs: shape.default_lifetime, lifetimeKnown: false, warnings };
}

/** Milliseconds in a positive number of seconds, written as a number or in digits; undefined otherwise. */
export function readSeconds(value: unknown): number | undefined {
  const ms = remaining(value, 'seconds', 0);
  return ms !== undefined && ms > 0 ? ms : undefined;
}

/**
 * When the vendor wrote its answer (ms since the epoch): its Date field, so that two clocks that disagree do not
 * matter, else `wallNow`. A Date that is no IMF-fixdate (RFC 9110 §5.6.7) or before 2000 is no time.
 */
export function answerTime(date: string | undefined, wallNow: number): number {
  if (date === undefined || !/^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/.test(date))
    return wallNow;
  const time = Date.parse(date);
  return time >= Date.UTC(2000) ? time : wallNow;
}

/** Whole milliseconds left, negative when past; undefined when the value is not of that format. */
function remaining(value: unknown, as: ExpiryRule['as'], now: number): number | undefined {
  const at = as === 'iso' ? isoTime(value) : as === 'jwt' ? jwtExpiry(value) : undefined;
  if (as === 'iso' || as === 'jwt') return at === undefined ? undefined : whole(at - now);
  const number = strictNumber(value);
  if (number === undefined) return undefined;
  if (as === 'seconds') return whole(number * 1000);
  if (as === 'milliseconds') return whole(number);
  return whole(epochTime(number) - now);
}

function whole(ms: number): number | undefined {
  return Number.isFinite(ms) && Math.abs(ms) < Number.MAX_SAFE_INTEGER ? Math.floor(ms) : undefined;
}

/** A number, or a text of nothing but digits: `"2026-09-28T…"` is not 2026 and `"1h"` is not 1. */
function strictNumber(value: unknown): number | undefined {
  const number = typeof value === 'string' && /^-?\d+(\.\d+)?$/.test(value) ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) ? number : undefined;
}

/** Seconds and milliseconds since the epoch are told apart by size: in seconds, 1e11 is the year 5138. */
function epochTime(number: number): number {
  return number > firstMillisecondEpoch ? number : number * 1000;
}

const iso =
  /^(\d{4})-(\d\d)-(\d\d)(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,18}))?)?(Z|z|[+-]\d\d(?::?\d\d)?)?)?$/;

/** ISO 8601 to ms since the epoch. Without a zone it is UTC, not local time; year 1 is .NET's way to say: not set. */
function isoTime(value: unknown): number | undefined {
  const match = typeof value === 'string' ? iso.exec(value) : null;
  if (!match) return undefined;
  const part = (index: number): number => Number(match[index] ?? 0);
  const [year, month, day, hour, minute, second] = [part(1), part(2), part(3), part(4), part(5), part(6)];
  const isDay =
    month >= 1 &&
    month <= 12 &&
    day >= 1 &&
    day <= new Date(Date.UTC(2000 + (year % 400), month, 0)).getUTCDate();
  if (!isDay || year <= 1 || hour > 23 || minute > 59 || second > 60) return undefined;
  const ms = Number((match[7] ?? '').slice(0, 3).padEnd(3, '0'));
  const local =
    new Date(0).setUTCFullYear(year, month - 1, day) + ((hour * 60 + minute) * 60 + second) * 1000 + ms;
  const offset = zoneMinutes(match[8]);
  return offset === undefined ? undefined : local - offset * 60_000;
}

function zoneMinutes(zone: string | undefined): number | undefined {
  if (zone === undefined || zone === 'Z' || zone === 'z') return 0;
  const hours = Number(zone.slice(1, 3));
  const minutes = Number(zone.slice(3).replace(':', '') || 0);
  if (hours > 23 || minutes > 59) return undefined;
  return (zone.startsWith('-') ? -1 : 1) * (hours * 60 + minutes);
}

/** `exp` of a JWT (RFC 7519 §4.1.4) in ms since the epoch. The signature is the upstream's business. */
function jwtExpiry(value: unknown): number | undefined {
  const parts = typeof value === 'string' ? value.split('.') : [];
  const payload = parts.length === 3 ? (parts[1] ?? '') : '';
  if (!/^[A-Za-z0-9_-]+={0,2}$/.test(payload)) return undefined;
  const exp = strictNumber(parseAnswer(Buffer.from(payload, 'base64url').toString('utf8'))?.exp);
  return exp === undefined ? undefined : epochTime(exp);
}
