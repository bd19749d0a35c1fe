import { readTraceparent, readTracestate, type TraceParent } from './trace-context.ts';

/** The ids that a request brought along and that may be used. */
export interface GivenIds {
  /** Of `X-Request-Id`: letters, digits and `._~:/+=@-`. */
  readonly id: string | undefined;
  readonly parent: TraceParent | undefined;
  /** The list of `tracestate`, never without `parent`. */
  readonly state: string | undefined;
}

const nothing: GivenIds = { id: undefined, parent: undefined, state: undefined };

/** It is logged and sent back: nothing that a log, a terminal or a shell would obey. */
const safeId = /^[\w.~:/+=@-]{1,128}$/;

const t = 0x74;
const x = 0x78;
const shortest = 'tracestate'.length;
const longest = 'x-request-id'.length;

/** Reads the ids among raw fields, flat [name, value, …]; a field that must be there once counts for nothing when it is there twice. */
export function givenIds(raw: readonly string[]): GivenIds {
  let ids: string[] | undefined;
  let parents: string[] | undefined;
  let states: string[] | undefined;
  for (let i = 0; i < raw.length; i += 2) {
    const written = raw[i] as string;
    if (written.length < shortest || written.length > longest) continue;
    const first = written.charCodeAt(0) | 0x20;
    if (first !== t && first !== x) continue;
    const name = written.toLowerCase();
    const value = raw[i + 1] as string;
    if (name === 'traceparent') parents = [...(parents ?? []), value];
    else if (name === 'tracestate') states = [...(states ?? []), value];
    else if (name === 'x-request-id') ids = [...(ids ?? []), value];
  }
  if (ids === undefined && parents === undefined) return nothing;
  const parent = parents?.length === 1 ? readTraceparent(parents[0] as string) : undefined;
  return {
    id: ids?.length === 1 && safeId.test(ids[0] as string) ? ids[0] : undefined,
    parent,
    state: parent === undefined || states === undefined ? undefined : readTracestate(states),
  };
}
