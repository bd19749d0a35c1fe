import { describe, expect, test } from 'vitest';
import { renderAttach } from '../../src/provider/attach.ts';
import { presets } from '../../src/provider/presets.ts';
import type { ProviderSpec } from '../../src/provider/provider.ts';
import { resolveProvider } from '../../src/provider/resolve.ts';

const provider = (attach: ProviderSpec['attach']) =>
  resolveProvider('acme', { token: { url: 'https://id.acme.example/token' }, attach }, presets);

describe('what carries the token upstream', () => {
  test('a Bearer field by default', () => {
    expect(renderAttach(provider({}), { access_token: 'tok' })).toEqual(['Authorization', 'Bearer tok']);
  });

  test('any field of the answer, and further fields after it', () => {
    const attach = {
      header: 'X-Auth',
      value: '{issuedBy} {accessToken}',
      headers: { Version: '2021-07-28', 'X-User': '{userId}' },
    };
    const fields = { issuedBy: 'VBrick', accessToken: 'tok', userId: '7' };
    expect(renderAttach(provider(attach), fields)).toEqual([
      'X-Auth',
      'VBrick tok',
      'Version',
      '2021-07-28',
      'X-User',
      '7',
    ]);
  });

  test('a further field never stands beside the one with the token', () => {
    const attach = { headers: { authorization: 'fixed' } };
    expect(renderAttach(provider(attach), { access_token: 'tok' })).toEqual(['Authorization', 'Bearer tok']);
  });

  test.each([{}, { issuedBy: '' }])('a field the answer lacks is named (%j)', (fields) => {
    expect(() => renderAttach(provider({ value: '{issuedBy} x' }), fields)).toThrow(
      expect.objectContaining({
        code: 'token-answer-invalid',
        message: 'the token answer has no {issuedBy}',
      }),
    );
  });

  test('members of Object.prototype are no fields', () => {
    expect(() => renderAttach(provider({ value: '{constructor}' }), {})).toThrow('no {constructor}');
  });

  test.each(['tok\r\nX-Evil: 1', 'tok\n', '\0', 'ü', '\u2028'])('%j is refused and not shown', (value) => {
    const run = (): unknown => renderAttach(provider({}), { access_token: value });
    expect(run).toThrow(expect.objectContaining({ code: 'token-answer-invalid' }));
    expect(run).toThrow(/^\{access_token\} of the token answer may not stand in a header field$/);
  });
});
