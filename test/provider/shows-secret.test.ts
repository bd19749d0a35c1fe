import { describe, expect, test } from 'vitest';
import { showsSecret } from '../../src/provider/shows-secret.ts';

describe('a text shows a secret', () => {
  const secret = 'cl/ient se+cret';
  const form = new URLSearchParams([['', secret]]).toString().slice(1);

  test.each([
    ['as it is', `x${secret}y`],
    ['percent-encoded', encodeURIComponent(secret)],
    ['percent-encoded twice', encodeURIComponent(encodeURIComponent(secret))],
    ['form-encoded', form],
    ['in hex', Buffer.from(secret).toString('hex')],
    ['in base64', btoa(`id:${secret}`)],
    ['in base64url', Buffer.from(`a:${secret}`).toString('base64url')],
    ['form-encoded in base64', btoa(`id:${form}`)],
    ['form-encoded in base64, begun elsewhere', btoa(`an-id:${form}`)],
  ])('%s', (_, text) => {
    expect(showsSecret(text, ['other', secret])).toBe(true);
    expect(showsSecret(text, ['other', ''])).toBe(false);
  });
});
