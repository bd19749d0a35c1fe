import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { type Exchange, exchangeFactory } from '../../src/gateway/record.ts';
import { createUnreadable } from '../../src/gateway/unreadable.ts';

/** What is written to a connection on which Node reports these errors, and the records of it. */
function failing(...codes: string[]): { written: string; socket: Duplex; records: Exchange[] } {
  const chunks: Buffer[] = [];
  const socket = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, done) {
      chunks.push(chunk);
      done();
    },
  });
  const records: Exchange[] = [];
  const newExchange = exchangeFactory(() => 0);
  const unreadable = createUnreadable(
    () => newExchange(''),
    (record) => records.push(record),
  );
  for (const code of codes) {
    const error = Object.assign(new Error('SENT-MESSAGE'), { code, rawPacket: Buffer.from('SENT-BYTES') });
    unreadable.failed(error, socket as unknown as Socket);
  }
  return { written: Buffer.concat(chunks).toString(), socket, records };
}

describe('what cannot be read as a request', () => {
  it.each([
    ['HPE_HEADER_OVERFLOW', 431, 'fields-too-large'],
    ['HPE_CHUNK_EXTENSIONS_OVERFLOW', 413, 'body-too-large'],
    ['HPE_INVALID_VERSION', 505, 'version-not-supported'],
    ['HPE_PAUSED_H2_UPGRADE', 505, 'version-not-supported'],
    ['ERR_HTTP_REQUEST_TIMEOUT', 408, 'request-timeout'],
    ['HPE_INVALID_METHOD', 400, 'malformed-request'],
    ['HPE_INVALID_EOF_STATE', 400, 'malformed-request'],
  ])('%s is answered once with %i and noted, without its bytes', (code, status, name) => {
    const { written, socket, records } = failing(code, code, 'HPE_INVALID_CONSTANT');
    const [head = '', body = '', ...more] = written.split('\r\n\r\n');
    expect(more).toEqual([]);
    expect(head).toMatch(new RegExp(`^HTTP/1\\.1 ${status} [A-Z]`));
    expect(head).toMatch(/^connection: close\r?$/m);
    expect(head).toMatch(/^date: .* GMT\r?$/m);
    expect(head).toMatch(new RegExp(`^content-length: ${Buffer.byteLength(body)}\\r?$`, 'm'));
    expect(JSON.parse(body).type).toBe(`urn:cupbearer:problem:${name}`);
    expect(written).not.toContain('SENT-');
    expect(records.map(({ status: noted, error }) => [noted, error])).toEqual([[status, name]]);
    expect(records[0]?.cause).toMatchObject({ code });
    expect(socket.writableEnded).toBe(true);
    socket.destroy();
  });

  it.each(['ECONNRESET', 'EPIPE', 'ERR_SSL_HTTP_REQUEST', ''])(
    'a connection that broke (%s) is let go, without an answer and without a record',
    (code) => {
      const { written, socket, records } = failing(code);
      expect([written, socket.destroyed, records]).toEqual(['', true, []]);
    },
  );
});
