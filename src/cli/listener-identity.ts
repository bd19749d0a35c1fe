import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Server, TlsOptions } from 'node:tls';
import type { ListenerTls } from '../config/schema-server.ts';
import { readAuthorities } from '../config/tls.ts';
import { CupbearerError } from '../errors.ts';
import type { Log } from '../telemetry/log.ts';
import type { Clock } from '../token/clock.ts';
import { every, rereadMs } from '../token/every.ts';

/** The certificate a listener shows, and the authorities its callers need, as their files have them. */
export class ListenerIdentity {
  #files: ListenerTls;
  readonly #clock: Clock;
  readonly #log: Log;
  #server: Server | undefined;
  #inForce = '';
  #told = '';
  #cancel: () => void = () => {};

  constructor(files: ListenerTls, clock: Clock, log: Log) {
    this.#files = files;
    this.#clock = clock;
    this.#log = log;
  }

  /** What the server is made with. Throws what reading the files throws, and `configuration-invalid` for authorities. */
  options(): TlsOptions {
    const options = this.#read();
    this.#inForce = digest(options);
    return options;
  }

  /** Has `server` go by the files from now on, however they change. */
  keep(server: Server): void {
    this.#server = server;
    this.#cancel = every(this.#clock, rereadMs, () => this.reread());
  }

  /** Reads the files again now. What they held before stays in force while they are unusable; told once. */
  reread(): void {
    try {
      const options = this.#read();
      const found = digest(options);
      if (found !== this.#inForce) {
        this.#server?.setSecureContext(options);
        this.#inForce = found;
        this.#log.info('certificate changed', { key: 'server.tls' });
      }
      this.#told = '';
    } catch (error) {
      const detail = faultOf(error);
      if (detail === this.#told) return;
      this.#told = detail;
      const key = 'server.tls';
      this.#log.warn('a certificate could not be read again; the one before stays', {
        key,
        detail,
        what_to_do:
          'put a certificate and its key in place that belong together; they are looked at every few seconds',
      });
    }
  }

  /** Goes by other files from now on. */
  adopt(files: ListenerTls): void {
    this.#files = files;
    this.reread();
  }

  close(): void {
    this.#cancel();
  }

  #read(): TlsOptions {
    const { cert, key, client_ca } = this.#files;
    return {
      cert: readFileSync(cert),
      key: readFileSync(key),
      minVersion: 'TLSv1.2',
      ...(client_ca === undefined
        ? {}
        : {
            ca: readAuthorities(readFileSync(client_ca, 'utf8')),
            requestCert: true,
            rejectUnauthorized: true,
          }),
    };
  }
}

function faultOf(error: unknown): string {
  if (error instanceof CupbearerError) return error.message;
  return error instanceof Error && 'code' in error ? String(error.code) : 'not PEM';
}

function digest({ cert, key, ca }: TlsOptions): string {
  const hash = createHash('sha256');
  for (const pem of [cert, key, ca]) hash.update(String(pem)).update('\0');
  return hash.digest('hex');
}
