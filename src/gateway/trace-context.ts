import { trimmed } from './trimmed.ts';

/** What a caller says of the trace its request belongs to (W3C Trace Context §3.2). */
export interface TraceParent {
  /** 32 lower-case hex digits, not all 0. */
  readonly traceId: string;
  /** The caller's own span: 16 lower-case hex digits, not all 0. */
  readonly parentId: string;
  /** `sampledFlag` and `randomFlag`; what nobody has defined yet is 0. */
  readonly flags: number;
}

/** The trace is recorded by whoever was before (§3.2.2.5.1). */
export const sampledFlag = 1;
/** The last 14 digits of the trace id are random (level 2, §3.2.2.5.2). */
const randomFlag = 2;

const version00Length = 55;
const form = /^([\da-f]{2})-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})(?:-|$)/;
const zeros = /^0+$/;

/** Reads the value of the one `traceparent` field; undefined when it is to be ignored. Later versions are read as far as 00 goes. */
export function readTraceparent(value: string): TraceParent | undefined {
  const [, version, traceId = '', parentId = '', flags = ''] = form.exec(value) ?? [];
  if (version === undefined || version === 'ff' || zeros.test(traceId) || zeros.test(parentId))
    return undefined;
  if (version === '00' && value.length !== version00Length) return undefined;
  return { traceId, parentId, flags: Number.parseInt(flags, 16) & (sampledFlag | randomFlag) };
}

/** The value of a `traceparent` field of version 00. */
export function writeTraceparent(traceId: string, spanId: string, flags: number): string {
  return `00-${traceId}-${spanId}-0${flags}`;
}

const maxMembers = 32;
const member =
  /^(?:[a-z][a-z\d_*/-]{0,255}|[a-z\d][a-z\d_*/-]{0,240}@[a-z][a-z\d_*/-]{0,13})=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]$/;

/**
 * The `tracestate` fields of a request as one list (§3.3.1); undefined when it is empty, has more than 32 members or one
 * that is malformed: then all of it is dropped.
 */
export function readTracestate(values: readonly string[]): string | undefined {
  const members = values
    .join(',')
    .split(',', 20 * maxMembers)
    .map((text) => trimmed(text, ' \t'))
    .filter((text) => text !== '');
  if (members.length === 0 || members.length > maxMembers) return undefined;
  return members.every((text) => member.test(text)) ? members.join(',') : undefined;
}
