import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Secret } from '../../src/config/secret.ts';
import { CupbearerError } from '../../src/errors.ts';
import type { Row } from '../../src/store/record.ts';
import { createSealer } from '../../src/store/seal.ts';
import type { SessionKey } from '../../src/store/session.ts';
import { failureOf, fullSession, newKey, sentinel, smallSession } from './sessions.ts';

const acme: SessionKey = { credential: 'acme', tenant: 't1' };
const secret = newKey();
const sealer = createSealer([secret]);
const keyIdAt = 5;
const nonceAt = 13;

/** The message of the refusal to open it. */
function refusal(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    expect(error).toBeInstanceOf(CupbearerError);
    const { code, message } = error as CupbearerError;
    expect(code).toBe('store-unreadable');
    expect(message).toContain('credential "acme"');
    expect(message).not.toContain(sentinel);
    expect(message).not.toContain(secret.reveal());
    return message;
  }
  return expect.unreachable('it opened');
}

function changed(row: Row, at: number, to: (byte: number) => number): Row {
  const sealed = Uint8Array.from(row.sealed);
  sealed[at] = to(sealed[at]!);
  return { ...row, sealed };
}

describe('a sealed session', () => {
  it('opens to what was sealed', () => {
    expect(sealer.open(acme, sealer.seal(acme, fullSession('h1')))).toEqual(fullSession('h1'));
  });

  it('opens to any session that was sealed', () => {
    const text = fc.string({ unit: 'binary' });
    fc.assert(
      fc.property(
        text,
        text,
        fc.option(text, { nil: undefined }),
        text,
        (head, credential, tenant, token) => {
          const session = smallSession(head, token);
          const key = { credential, tenant };
          expect(sealer.open(key, sealer.seal(key, session))).toEqual(session);
        },
      ),
    );
  });

  it('shows nothing of itself', () => {
    const { sealed } = sealer.seal(acme, fullSession('h1'));
    expect(Buffer.from(sealed).includes(sentinel)).toBe(false);
    expect(Buffer.from(sealed).includes(Buffer.from(secret.reveal(), 'base64'))).toBe(false);
  });

  it('is never sealed twice the same', () => {
    const nonces = Array.from({ length: 1_000 }, () =>
      Buffer.from(sealer.seal(acme, smallSession('h')).sealed).toString('hex', nonceAt, nonceAt + 12),
    );
    expect(new Set(nonces).size).toBe(1_000);
  });

  it('does not open with any one bit flipped', () => {
    const row = sealer.seal(acme, smallSession('h1'));
    for (let at = 0; at < row.sealed.length; at++) {
      for (let bit = 0; bit < 8; bit++) {
        refusal(() =>
          sealer.open(
            acme,
            changed(row, at, (byte) => byte ^ (1 << bit)),
          ),
        );
      }
    }
  });

  it('does not open with any bytes changed, cut off or added', () => {
    const row = sealer.seal(acme, fullSession('h1'));
    const whole = Buffer.from(row.sealed);
    fc.assert(
      fc.property(fc.nat(whole.length), fc.nat(40), fc.uint8Array({ maxLength: 40 }), (at, cut, added) => {
        const sealed = Buffer.concat([whole.subarray(0, at), added, whole.subarray(at + cut)]);
        fc.pre(!sealed.equals(whole));
        refusal(() => sealer.open(acme, { ...row, sealed }));
      }),
      { numRuns: 500 },
    );
  });

  it('does not open for what is no sealed session', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (sealed) => {
        expect(refusal(() => sealer.open(acme, { head: 'h1', sealed }))).toContain(
          'not a record that Cupbearer wrote',
        );
      }),
    );
    const json = Buffer.from(JSON.stringify(smallSession('h1')));
    refusal(() => sealer.open(acme, { head: 'h1', sealed: json }));
  });

  it.each<[string, SessionKey]>([
    ['another credential', { credential: 'acme2', tenant: 't1' }],
    ['another tenant', { credential: 'acme', tenant: 't2' }],
    ['no tenant', { credential: 'acme' }],
    ['a credential that reads like both', { credential: 'acme:t1' }],
    ['parts cut elsewhere', { credential: 'acm', tenant: 'et1' }],
  ])('does not open for %s', (_, key) => {
    const row = sealer.seal(acme, smallSession('h1'));
    expect(() => sealer.open(key, row)).toThrow('altered or moved');
  });

  it('does not open under another head', () => {
    const row = sealer.seal(acme, smallSession('h1'));
    expect(refusal(() => sealer.open(acme, { ...row, head: 'h2' }))).toContain('altered or moved');
    expect(refusal(() => sealer.open(acme, { ...row, head: '' }))).toContain('altered or moved');
  });

  it('says which key it was sealed with when store.key lacks it', () => {
    const row = sealer.seal(acme, smallSession('h1'));
    const id = Buffer.from(row.sealed).toString('hex', keyIdAt, nonceAt);
    const message = refusal(() => createSealer([newKey(), newKey()]).open(acme, row));
    expect(message).toContain(`sealed with key ${id}, which is not in store.key`);
    expect(message).toContain('add the key');
    expect(message).toContain('tenant "t1"');
  });

  it('says when a newer version wrote it', () => {
    const row = changed(sealer.seal(acme, smallSession('h1')), 4, () => 2);
    expect(refusal(() => sealer.open(acme, row))).toContain('newer version of Cupbearer (record version 2');
  });
});

describe('store.key', () => {
  it('opens with all of its keys and seals with the first', () => {
    const [old, fresh] = [newKey(), newKey()];
    const before = createSealer([old]).seal(acme, smallSession('h1'));
    const ring = createSealer([fresh, old]);
    expect(ring.open(acme, before)).toEqual(smallSession('h1'));
    const after = ring.seal(acme, smallSession('h2'));
    expect(createSealer([fresh]).open(acme, after)).toEqual(smallSession('h2'));
    expect(refusal(() => createSealer([old]).open(acme, after))).toContain('not in store.key');
  });

  it.each(['', 'c2hvcnQ=', Buffer.alloc(33).toString('base64'), 'not base64 at all'])(
    'is refused when it is %j',
    async (text) => {
      const { message } = await failureOf(
        async () => createSealer([new Secret(text)]),
        'configuration-invalid',
      );
      expect(message).toContain('32 bytes in base64');
      if (text !== '') expect(message).not.toContain(text);
    },
  );

  it('is refused when there is none', async () => {
    await failureOf(async () => createSealer([]), 'configuration-invalid');
  });
});
