import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTlsServer, connect as tlsConnect } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { reset } from '../../src/gateway/reset.ts';
import { certificate } from '../support/certificate.ts';

describe('a connection that is reset', () => {
  let server: Server | undefined;
  let remove = () => {};
  afterEach(async () => {
    await new Promise((resolve) => server?.close(resolve));
    remove();
    remove = () => {};
  });

  const listening = async (made: Server, where: number | string) => {
    server = made;
    await new Promise<void>((resolve) => {
      made.listen(where, () => resolve());
    });
    return made.address() as { port: number };
  };
  const onConnection = (socket: Socket) => {
    socket.on('error', () => {});
    socket.write('part', () => reset(socket));
  };
  /** What the other side sees of the end. */
  const endOf = (socket: Socket) =>
    new Promise<string>((resolve) => {
      socket.resume();
      socket.on('error', (error: NodeJS.ErrnoException) => resolve(String(error.code)));
      socket.on('close', () => resolve('closed'));
    });

  it('looks like one over TCP', async () => {
    const { port } = await listening(createServer(onConnection), 0);
    expect(await endOf(connect(port, '127.0.0.1'))).toBe('ECONNRESET');
  });

  it('just ends on a Unix socket, which knows no reset', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'cupbearer-reset-'));
    remove = () => rmSync(directory, { recursive: true });
    const path = join(directory, 'socket');
    await listening(createServer(onConnection), path);
    expect(await endOf(connect(path))).toBe('closed');
  });

  it('ends without TLS having said so', async () => {
    const { cert, key, remove: clean } = certificate();
    remove = clean;
    const { port } = await listening(createTlsServer({ cert, key }, onConnection), 0);
    const bytes: Buffer[] = [];
    const relay = createServer((near) => {
      const far = connect(port, '127.0.0.1');
      far.on('data', (chunk: Buffer) => {
        bytes.push(chunk);
        near.write(chunk);
      });
      far.on('close', () => near.end());
      near.on('data', (chunk) => far.write(chunk)).on('error', () => {});
    });
    await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve));
    const { port: through } = relay.address() as AddressInfo;
    await endOf(tlsConnect({ port: through, rejectUnauthorized: false, maxVersion: 'TLSv1.2' }));
    await new Promise((resolve) => relay.close(resolve));
    const types = recordTypes(Buffer.concat(bytes));
    expect(types.at(-1)).toBe(applicationData);
    expect(types).not.toContain(alert);
  });
});

const alert = 21;
const applicationData = 23;

/** The content types of TLS records (RFC 5246 §6.2.1). */
function recordTypes(bytes: Buffer): number[] {
  const types: number[] = [];
  for (let at = 0; at + 5 <= bytes.length; at += 5 + bytes.readUInt16BE(at + 3))
    types.push(bytes.readUInt8(at));
  return types;
}
