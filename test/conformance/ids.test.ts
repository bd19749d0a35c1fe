import { describe, expect, it } from 'vitest';
import { rawRequest, values } from '../support/raw.ts';
import { useSetting } from './setting.ts';

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
const parentId = '00f067aa0ba902b7';
const parent = `00-${traceId}-${parentId}-01`;
const valid = /^00-(?!0{32})([\da-f]{32})-(?!0{16})([\da-f]{16})-(0[0-3])$/;

interface Line {
  readonly id: string;
  readonly trace_id: string;
  readonly span_id: string;
  readonly msg: string;
}

describe('T: request ids and traces', () => {
  const s = useSetting();
  const lines = () =>
    s.proxy
      .log()
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Line)
      .filter(({ msg }) => msg === 'exchange');
  /** What the first upstream got, and the one line of the log. */
  const sent = async (...fields: string[]) => {
    const before = lines().length;
    const answer = await s.send('GET /api/x', fields);
    await expect.poll(() => lines().length).toBe(before + 1);
    return { answer, got: s.up.requests.at(-1)!, line: lines().at(-1)! };
  };

  it('T1 starts a trace and a request id where the caller has none, and logs what the upstream got', async () => {
    const { answer, got, line } = await sent();
    const [, trace, span, flags] = valid.exec(values(got, 'traceparent').join()) ?? [];
    expect(line).toMatchObject({ trace_id: trace, span_id: span });
    expect(flags).toBe('00');
    expect(values(got, 'x-request-id')).toEqual([line.id]);
    expect(values(got, 'tracestate')).toEqual([]);
    expect(values(answer, 'x-request-id'), 'the answer of an upstream passes untouched').toEqual([]);
  });

  it('T2 goes on with the trace of the caller, as another span', async () => {
    const { got, line } = await sent(
      `TraceParent: ${parent}`,
      'tracestate: a=1',
      'X-Request-ID: order-17/a:b',
      'TraceState: b@c=2',
    );
    expect(values(got, 'traceparent')).toEqual([`00-${traceId}-${line.span_id}-01`]);
    expect(line.span_id).not.toBe(parentId);
    expect(line.trace_id).toBe(traceId);
    expect(values(got, 'tracestate')).toEqual(['a=1,b@c=2']);
    expect(values(got, 'x-request-id')).toEqual(['order-17/a:b']);
    expect(line.id).toBe('order-17/a:b');
  });

  it.each<[string, string[]]>([
    ['two of them', [`traceparent: ${parent}`, `traceparent: ${parent}`]],
    ['two in one', [`traceparent: ${parent},${parent}`]],
    ['version ff', [`traceparent: ff${parent.slice(2)}`]],
    ['a trace id of zeros', [`traceparent: 00-${'0'.repeat(32)}-${parentId}-01`]],
    ['a span id of zeros', [`traceparent: 00-${traceId}-${'0'.repeat(16)}-01`]],
    ['upper case', [`traceparent: ${parent.toUpperCase()}`]],
    ['more behind it', [`traceparent: ${parent}-00`]],
    ['8 KiB', [`traceparent: ${'a'.repeat(8_192)}`]],
    ['bytes beyond ASCII', [`traceparent: \xe9${parent.slice(1)}`]],
    ['an empty one', ['traceparent:']],
  ])('T3 starts anew for a traceparent that is not valid, without its tracestate: %s', async (_, fields) => {
    const { got, line } = await sent(...fields, 'tracestate: a=1');
    const [trace] = values(got, 'traceparent');
    expect(values(got, 'traceparent')).toHaveLength(1);
    expect(trace).toMatch(valid);
    expect(trace).not.toContain(traceId);
    expect(trace).toContain(`-${line.trace_id}-${line.span_id}-`);
    expect(values(got, 'tracestate')).toEqual([]);
  });

  it.each<[string, string]>([
    ['33 members', Array.from({ length: 33 }, (_, i) => `k${i}=v`).join()],
    ['a malformed member', 'a=1,=2'],
    ['bytes beyond ASCII', 'a=\xe9'],
  ])('T4 keeps the trace and drops a tracestate with %s', async (_, state) => {
    const { got } = await sent(`traceparent: ${parent}`, `tracestate: ${state}`);
    expect(values(got, 'traceparent')[0]).toContain(traceId);
    expect(values(got, 'tracestate')).toEqual([]);
  });

  it.each<[string, string[]]>([
    ['8 KiB', [`X-Request-Id: ${'a'.repeat(8_192)}`]],
    ['129 characters', [`X-Request-Id: ${'a'.repeat(129)}`]],
    ['a forged line', ['X-Request-Id: "},{"level":"error","msg":"forged"']],
    ['an escape sequence', ['X-Request-Id: \x1b[31mred']],
    ['bytes beyond ASCII', ['X-Request-Id: \xc3\xa9']],
    ['spaces within', ['X-Request-Id: a b']],
    ['percent signs', ['X-Request-Id: a%0d%0ab']],
    ['nothing', ['X-Request-Id:']],
    ['two of them', ['X-Request-Id: one', 'X-Request-Id: two']],
    ['other spellings alone', ['X_Request_Id: one', 'X.Request.Id: two']],
  ])('T5 makes a request id of its own for one with %s', async (_, fields) => {
    const before = s.up.requests.length;
    const answer = await s.send('GET /api/x', fields);
    if (answer.status === 400) {
      // Node's parser takes no such byte.
      expect(s.up.requests.length).toBe(before);
      return;
    }
    const got = s.up.requests.at(-1)!;
    const ids = got.fields.filter(([name]) => /^x[-_.]request[-_.]id$/i.test(name));
    expect(ids).toEqual([['x-request-id', lines().at(-1)!.id]]);
    expect(lines().at(-1)!.id).toMatch(/^[a-z\d]+-[a-z\d]+$/);
    expect(s.proxy.log()).not.toMatch(/forged|\x1b|%0d/);
  });

  it.each(['\r\nX-Request-Id: b', '\nX-Request-Id: b', '\rb', '\0b'])(
    'T6 lets no line break into an id: %j',
    async (end) => {
      const { status } = await s.send('GET /api/x', [`X-Request-Id: a${end}`]);
      expect([200, 400]).toContain(status);
      for (const { fields } of s.up.requests)
        expect(fields.filter(([name]) => name.toLowerCase() === 'x-request-id')).toHaveLength(1);
      for (const line of lines()) expect(line.id).toMatch(/^[\w.~:/+=@-]*$/);
    },
  );

  it.each<[string, string, string[]]>([
    ['no route', 'GET /nowhere', []],
    ['what the guard refuses', 'GET /api/x', ['Origin: https://evil.example']],
    ['an OPTIONS about us', 'OPTIONS *', []],
  ])('T7 has the ids of the caller in our own answers: %s', async (_, line, fields) => {
    const answer = await s.send(line, [...fields, 'X-Request-Id: mine-1', `traceparent: ${parent}`]);
    expect(values(answer, 'x-request-id')).toEqual(['mine-1']);
    if (answer.body !== '')
      expect(JSON.parse(answer.body)).toMatchObject({ instance: 'mine-1', trace_id: traceId });
    expect(lines()[0]).toMatchObject({ id: 'mine-1', trace_id: traceId });
  });

  it('T7 has ids in the answer to what is no request', async () => {
    const answer = await rawRequest(s.proxy.port, 'nonsense\r\n\r\n');
    expect(answer.status).toBe(400);
    expect(values(answer, 'x-request-id')).toEqual([JSON.parse(answer.body).instance]);
    expect(lines()[0]).toMatchObject({ id: JSON.parse(answer.body).instance });
  });

  it('T8 keeps the trace when a refused token is renewed', async () => {
    await s.warm();
    s.answer = (_request, count) =>
      count === 1
        ? 'HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n'
        : 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n';
    await sent('X-Request-Id: once');
    expect(s.up.requests).toHaveLength(2);
    expect(new Set(s.up.requests.map((one) => values(one, 'traceparent').join())).size).toBe(1);
    expect(s.up.requests.map((one) => values(one, 'x-request-id'))).toEqual([['once'], ['once']]);
  });

  it('T9 lets baggage pass as any other field', async () => {
    const { got } = await sent('baggage: a=1;b', 'Baggage: c=2');
    expect(values(got, 'baggage')).toEqual(['a=1;b', 'c=2']);
  });
});

describe('T: ids on a route that keeps them', () => {
  const s = useSetting({ route: ', headers: { remove: [TraceParent, X-Request-Id, baggage] }' });

  it('T10 sends none of those that the route removes, nor a tracestate without its traceparent', async () => {
    const fields = [`traceparent: ${parent}`, 'tracestate: a=1', 'X-Request-Id: a', 'baggage: b=1'];
    await s.send('GET /api/x', fields);
    const names = s.up.requests[0]!.fields.map(([name]) => name.toLowerCase());
    for (const name of ['traceparent', 'tracestate', 'x-request-id', 'baggage'])
      expect(names).not.toContain(name);
    expect(s.proxy.log()).toContain(`"trace_id":"${traceId}"`);
  });
});

describe('T: ids that a route sets', () => {
  const s = useSetting({ route: ', headers: { set: { X-Request-Id: fixed }, remove: [tracestate] }' });

  it('T11 has the route win', async () => {
    await s.send('GET /api/x', [`traceparent: ${parent}`, 'tracestate: a=1', 'X-Request-Id: a']);
    const [got] = s.up.requests;
    expect(values(got!, 'x-request-id')).toEqual(['fixed']);
    expect(values(got!, 'tracestate')).toEqual([]);
    expect(values(got!, 'traceparent')[0]).toContain(traceId);
  });
});
