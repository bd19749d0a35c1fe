import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { givenIds } from '../../src/gateway/given-ids.ts';
import { createRandomIds } from '../../src/gateway/random-ids.ts';
import { exchangeFactory } from '../../src/gateway/record.ts';
import { readTraceparent, readTracestate, writeTraceparent } from '../../src/gateway/trace-context.ts';

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
const parentId = '00f067aa0ba902b7';
const good = `00-${traceId}-${parentId}-01`;

const hex = (length: number) =>
  fc
    .array(fc.constantFrom(...'0123456789abcdef'), { minLength: length, maxLength: length })
    .map((digits) => digits.join(''));
const notZero = (length: number) => hex(length).filter((digits) => !/^0+$/.test(digits));

describe('traceparent', () => {
  it('reads every valid one and writes it again', () => {
    fc.assert(
      fc.property(notZero(32), notZero(16), hex(2), (trace, parent, flags) => {
        const read = readTraceparent(`00-${trace}-${parent}-${flags}`);
        expect(read).toEqual({ traceId: trace, parentId: parent, flags: Number.parseInt(flags, 16) & 3 });
        expect(readTraceparent(writeTraceparent(trace, parent, read!.flags))).toEqual(read);
      }),
    );
  });

  it('reads later versions as far as version 00 goes', () => {
    const read = readTraceparent(good);
    expect(read).toBeDefined();
    for (const later of [
      `cc${good.slice(2)}`,
      `fe${good.slice(2)}-`,
      `01${good.slice(2)}-what-ever.may:come`,
    ])
      expect(readTraceparent(later)).toEqual(read);
  });

  it.each([
    ['empty', ''],
    ['version ff', `ff${good.slice(2)}`],
    ['a trace id of zeros', `00-${'0'.repeat(32)}-${parentId}-01`],
    ['a parent id of zeros', `00-${traceId}-${'0'.repeat(16)}-01`],
    ['upper case', good.toUpperCase()],
    ['more behind version 00', `${good}-more`],
    ['a hyphen behind version 00', `${good}-`],
    ['more digits in a later version', `01${good.slice(2)}ff`],
    ['a short trace id', `00-${traceId.slice(1)}-${parentId}-01`],
    ['a long parent id', `00-${traceId}-${parentId}0-01`],
    ['no flags', good.slice(0, -3)],
    ['odd flags', `${good.slice(0, -2)}.1`],
    ['other hyphens', good.replaceAll('-', '_')],
    ['space around it', ` ${good}`],
    ['8 KiB', 'a'.repeat(8192)],
  ])('ignores %s', (_, value) => {
    expect(readTraceparent(value)).toBeUndefined();
  });

  it('takes nothing that has not its form, whatever it is', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.string({ minLength: 55, maxLength: 55 })), (value) => {
        const read = readTraceparent(value);
        if (read !== undefined) expect(value).toMatch(/^[\da-f]{2}-[\da-f]{32}-[\da-f]{16}-[\da-f]{2}(-|$)/);
      }),
    );
  });
});

describe('tracestate', () => {
  it('joins several fields in order and leaves out what is empty', () => {
    expect(readTracestate(['a=1, b=2\t', '', ',c@d=3,'])).toBe('a=1,b=2,c@d=3');
  });

  it('takes no more time for spaces inside a member than for anything else', () => {
    const took = (inside: string) => {
      const start = performance.now();
      for (let i = 0; i < 5; i++) readTracestate([`a=${inside.repeat(16_000)}\u007f`]);
      return performance.now() - start;
    };
    took('b');
    // A pattern takes 200 ms for each.
    expect(took(' ')).toBeLessThan(took('b') + 100);
    expect(readTracestate(['\t a=b  c \t', ' \t'])).toBe('a=b  c');
  });

  it('takes 32 members and drops all of 33', () => {
    const members = Array.from({ length: 33 }, (_, i) => `k${i}=v`);
    expect(readTracestate([members.slice(1).join(',')])).toBe(members.slice(1).join(','));
    expect(readTracestate([members.join(',')])).toBeUndefined();
  });

  it.each([
    '',
    ',,',
    'a',
    'a=',
    'A=1',
    'a=1=2',
    'a b=1',
    'a=\u00e9',
    'a=1,=2',
    `${'k'.repeat(257)}=1`,
    `a=${'v'.repeat(257)}`,
  ])('drops %j', (value) => {
    expect(readTracestate([value])).toBeUndefined();
  });

  it('never gives anything with a control character or more than 32 members', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary' }), { maxLength: 40 }), (values) => {
        const list = readTracestate(values);
        if (list === undefined) return;
        expect(list).toMatch(/^[\x20-\x7e]+$/);
        expect(list.split(',').length).toBeLessThanOrEqual(32);
      }),
    );
  });
});

describe('the ids a request brings along', () => {
  it('are found in any case of the name', () => {
    expect(
      givenIds(['TraceParent', good, 'Accept', '*/*', 'X-REQUEST-ID', 'a-1', 'TraceState', 'a=1']),
    ).toEqual({
      id: 'a-1',
      parent: { traceId, parentId, flags: 1 },
      state: 'a=1',
    });
  });

  it.each([
    ['none', []],
    ['two traceparents', ['traceparent', good, 'traceparent', good]],
    ['tracestate alone', ['tracestate', 'a=1']],
    ['a broken traceparent with its tracestate', ['traceparent', 'x', 'tracestate', 'a=1']],
    ['two request ids', ['x-request-id', 'a', 'x-request-id', 'a']],
    ['an empty request id', ['x-request-id', '']],
    ['a request id of 129 characters', ['x-request-id', 'a'.repeat(129)]],
    ['another name of the same length', ['x-request-ip', 'a', 'traceparens', good]],
  ])('are left out: %s', (_, raw) => {
    expect(givenIds(raw)).toEqual({ id: undefined, parent: undefined, state: undefined });
  });

  it('have nothing in them that a log or a terminal would obey', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 140 }), (value) => {
        const { id } = givenIds(['x-request-id', value]);
        expect(id === undefined || (id === value && /^[A-Za-z0-9_.~:/+=@-]{1,128}$/.test(id))).toBe(true);
      }),
    );
  });
});

describe('the ids of an exchange', () => {
  it('are new, random and of the right form when the request brings none', () => {
    const ids = createRandomIds();
    const seen = new Set<string>();
    for (let i = 0; i < 5_000; i++) {
      const [trace, span] = [ids.trace(), ids.span()];
      expect(trace).toMatch(/^[\da-f]{32}$/);
      expect(span).toMatch(/^[\da-f]{16}$/);
      seen.add(trace).add(span);
    }
    expect(seen.size).toBe(10_000);
  });

  it('go on from the caller, with a span of our own', () => {
    const exchange = exchangeFactory(() => 0)('GET', ['traceparent', good, 'tracestate', 'a=1']);
    expect(exchange).toMatchObject({
      traceId,
      parentId,
      traceFlags: 1,
      traceState: 'a=1',
      hasGivenIds: true,
    });
    expect(exchange.spanId).not.toBe(parentId);
    expect(exchange.sent).toBeUndefined();
  });

  it.each([
    [undefined, undefined, 0],
    [undefined, '01', 1],
    [undefined, '02', 2],
    [undefined, 'fd', 1],
    [true, undefined, 1],
    [true, '00', 1],
    [true, '02', 3],
    [false, '03', 2],
    [false, undefined, 0],
  ])('have flags: sampler %s, the caller %s: %i', (sampled, flags, expected) => {
    const sample = sampled === undefined ? undefined : () => sampled;
    const raw = flags === undefined ? [] : ['traceparent', good.slice(0, -2) + flags];
    const exchange = exchangeFactory(() => 0, sample)('GET', raw);
    expect(exchange.traceFlags).toBe(expected);
    expect(exchange.sent !== undefined).toBe(sampled === true);
  });

  it('ask the sampler with what the caller does', () => {
    const asked: unknown[] = [];
    const newExchange = exchangeFactory(
      () => 0,
      (trace, parent) => {
        asked.push([trace, parent]);
        return false;
      },
    );
    newExchange('GET', ['traceparent', good]);
    newExchange('GET', ['traceparent', `${good.slice(0, -1)}0`]);
    const { traceId: own } = newExchange('GET');
    expect(asked).toEqual([
      [traceId, true],
      [traceId, false],
      [own, undefined],
    ]);
  });
});
