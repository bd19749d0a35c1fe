import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { get } from 'node:https';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ConnectionOptions, type TLSSocket, connect as tlsConnect } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Listener, listen } from '../../src/cli/listener.ts';
import { createLog } from '../../src/telemetry/log.ts';
import { type Authority, authority } from '../support/client-certificate.ts';
import { ManualClock } from '../support/manual-clock.ts';

describe('a listener with TLS', () => {
  let ca: Authority;
  let directory: string;
  let clock: ManualClock;
  let log: string;
  let listener: Listener | undefined;
  let port: number;

  beforeEach(() => {
    ca = authority();
    directory = mkdtempSync(join(tmpdir(), 'cupbearer-listener-'));
    clock = new ManualClock();
    log = '';
  });
  afterEach(async () => {
    await listener?.close(0);
    listener = undefined;
    ca.remove();
    rmSync(directory, { recursive: true });
  });

  const put = ({ cert, key }: { cert: string; key: string }) => {
    copyFileSync(cert, join(directory, 'cert.pem'));
    copyFileSync(key, join(directory, 'key.pem'));
  };
  const begin = async (options: { clientCa?: Authority; headerTimeout?: number } = {}) => {
    const { clientCa, headerTimeout = 5_000 } = options;
    put(ca.issue('first'));
    if (clientCa !== undefined) copyFileSync(clientCa.path, join(directory, 'clients.pem'));
    const stream = {
      write(line: string) {
        log += line;
      },
    };
    listener = await listen(
      { kind: 'tcp', host: '127.0.0.1', port: 0 },
      (_request, response) => response.end('ok'),
      {
        bounds: { max_connections: 100, header_timeout: headerTimeout, send_timeout: 5_000 },
        tls: {
          cert: join(directory, 'cert.pem'),
          key: join(directory, 'key.pem'),
          client_ca: clientCa && join(directory, 'clients.pem'),
        },
        clock,
        log: createLog({ level: 'info', stream }),
      },
    );
    port = Number(new URL(listener.url).port);
  };
  /** The answer's body, or the code of the error; and whom the certificate names. */
  const call = (options: ConnectionOptions = {}) =>
    new Promise<{ text: string; subject: unknown; reused: boolean; session: Buffer | undefined }>(
      (resolve, reject) => {
        let session: Buffer | undefined;
        const request = get(
          { host: 'localhost', port, ca: ca.cert, agent: false, ...options },
          (response) => {
            const socket = response.socket as TLSSocket;
            const { CN: subject } = socket.getPeerCertificate().subject ?? {};
            let text = '';
            response.on('data', (chunk) => {
              text += chunk;
            });
            response.on('end', () => resolve({ text, subject, reused: socket.isSessionReused(), session }));
          },
        );
        request.on('socket', (socket) => socket.on('session', (one: Buffer) => (session = one)));
        request.on('error', reject);
      },
    );
  /** Connects, says `bytes`, and tells how long the other side took to close, ms. */
  const closedAfter = (bytes: string) =>
    new Promise<{ ms: number; text: string }>((resolve) => {
      const began = performance.now();
      const socket = connect(port, '127.0.0.1', () => socket.write(bytes));
      let text = '';
      socket.on('data', (chunk) => {
        text += chunk.toString('latin1');
      });
      socket.on('error', () => {});
      socket.on('close', () => resolve({ ms: performance.now() - began, text }));
    });
  const client = (name: string, by: Authority) => {
    const { cert, key } = by.issue(name);
    return { cert: readFileSync(cert), key: readFileSync(key) };
  };

  it('says that it is one and shows its certificate', async () => {
    await begin();
    expect(listener?.url).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/);
    expect(await call()).toMatchObject({ text: 'ok', subject: 'first' });
  });

  it.each(['TLSv1', 'TLSv1.1'] as const)('refuses %s', async (version) => {
    await begin();
    const old = { minVersion: version, maxVersion: version, ciphers: 'DEFAULT@SECLEVEL=0' } as const;
    await expect(call(old)).rejects.toThrow(/alert|version|protocol/i);
    expect((await call({ maxVersion: 'TLSv1.2' })).text).toBe('ok');
  });

  it('asks for a certificate of its clients’ authority and takes no other', async () => {
    const clients = authority();
    const strangers = authority();
    try {
      await begin({ clientCa: clients });
      expect((await call(client('app', clients))).text).toBe('ok');
      await expect(call()).rejects.toThrow();
      await expect(call(client('app', strangers))).rejects.toThrow();
    } finally {
      clients.remove();
      strangers.remove();
    }
  });

  it('shows a new certificate within 15 seconds of its files, and keeps the one before while they are unusable', async () => {
    await begin();
    put(ca.issue('second'));
    await clock.advance(15_000);
    expect((await call()).subject).toBe('second');
    for (let tick = 0; tick < 3; tick++) {
      writeFileSync(join(directory, 'cert.pem'), 'no certificate');
      await clock.advance(15_000);
      expect((await call()).subject).toBe('second');
    }
    copyFileSync(ca.issue('third').cert, join(directory, 'cert.pem'));
    await clock.advance(15_000);
    expect((await call()).subject).toBe('second');
    put(ca.issue('fourth'));
    await clock.advance(15_000);
    expect((await call()).subject).toBe('fourth');
    const told = log.split('\n').filter((line) => line.includes('the one before stays'));
    expect(told).toEqual([
      expect.stringMatching(/"detail":"ERR_OSSL_[A-Z_]+"/),
      expect.stringMatching(/"detail":"ERR_OSSL_X509_KEY_VALUES_MISMATCH"/),
    ]);
    expect(log.match(/certificate changed/g)).toHaveLength(2);
  });

  it('keeps the authorities of before while their file is half-written', async () => {
    const clients = authority();
    const others = authority();
    try {
      await begin({ clientCa: clients });
      const mine = client('app', clients);
      const theirs = client('app', others);
      const path = join(directory, 'clients.pem');
      const both = clients.cert + others.cert;
      const reread = (text: string) => {
        writeFileSync(path, text);
        listener?.rereadCertificate();
      };
      reread(both);
      expect((await call(theirs)).text).toBe('ok');
      const halves = ['', 'garbage', clients.cert.slice(0, 200), both.slice(0, clients.cert.length + 200)];
      for (const text of halves) {
        reread(text);
        expect((await call(mine)).text).toBe('ok');
        expect((await call(theirs)).text).toBe('ok');
      }
      const told = log.split('\n').filter((line) => line.includes('the one before stays'));
      expect(told).toEqual([
        expect.stringContaining('"detail":"the file of authorities is unusable: there is no certificate; '),
        expect.stringContaining('unusable: a certificate has no end or no beginning; '),
      ]);
      expect(log.match(/certificate changed/g)).toHaveLength(1);
      reread(others.cert);
      await expect(call(mine)).rejects.toThrow();
      expect((await call(theirs)).text).toBe('ok');
    } finally {
      clients.remove();
      others.remove();
    }
  });

  it('does not begin without authorities', async () => {
    const none = authority();
    try {
      writeFileSync(none.path, '');
      await expect(begin({ clientCa: none })).rejects.toMatchObject({ code: 'configuration-invalid' });
    } finally {
      none.remove();
    }
  });

  it('shows a new certificate at once when asked to', async () => {
    await begin();
    put(ca.issue('second'));
    listener?.rereadCertificate();
    expect((await call()).subject).toBe('second');
  });

  it.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'resumes no %s session of a client whose authority it has given up',
    async (version) => {
      const clients = authority();
      const others = authority();
      try {
        await begin({ clientCa: clients });
        const mine = { ...client('app', clients), maxVersion: version };
        const { session } = await call(mine);
        expect((await call({ ...mine, session })).reused).toBe(true);
        copyFileSync(others.path, join(directory, 'clients.pem'));
        listener?.rereadCertificate();
        await expect(call({ ...mine, session })).rejects.toThrow();
        expect((await call({ ...client('app', others), maxVersion: version })).text).toBe('ok');
      } finally {
        clients.remove();
        others.remove();
      }
    },
  );

  it('closes on plain HTTP, on garbage and on a handshake that stalls, and serves on', async () => {
    await begin({ headerTimeout: 1_000 });
    const plain = await closedAfter('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
    expect(plain.ms).toBeLessThan(900);
    expect(plain.text).not.toContain('ok');
    await closedAfter('\x16\x03\x01\xff\xffgarbage'.repeat(2_000));
    for (const start of ['', '\x16\x03\x01\x02\x00']) {
      const { ms } = await closedAfter(start);
      expect(ms).toBeGreaterThan(900);
      expect(ms).toBeLessThan(2_500);
    }
    expect((await call()).text).toBe('ok');
    expect(log).toBe('');
  });

  it('cuts a client that ends its handshake and sends nothing', async () => {
    await begin({ headerTimeout: 1_000 });
    const began = performance.now();
    await new Promise<void>((resolve) => {
      const socket = tlsConnect({ host: 'localhost', port, ca: ca.cert }, () => socket.resume());
      socket.on('error', () => {});
      socket.on('close', () => resolve());
    });
    expect(performance.now() - began).toBeGreaterThan(900);
    expect(performance.now() - began).toBeLessThan(2_500);
  });

  it('closes though a handshake hangs', async () => {
    await begin({ headerTimeout: 60_000 });
    const stalled = closedAfter('\x16\x03\x01\x02\x00');
    await expect.poll(() => listener?.connections()).toBe(1);
    expect(await listener?.close(50)).toBe(1);
    await stalled;
  });
});
