import type { LogSettings } from '../telemetry/log.ts';
import type { Message } from './channel.ts';

/** A worker's first: it listens to its parent. */
export interface Hello extends Message {
  readonly kind: 'hello';
}

/** The parent's answer: all a worker needs to serve. Holds secrets. */
export interface Begin extends Message {
  readonly kind: 'begin';
  /** The configuration, as the parent has read it. */
  readonly text: string;
  /** The name of its file, where relative paths start. */
  readonly file: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly logging: LogSettings;
  /** Our pseudonym in Via. */
  readonly via: string;
  /** Which configuration it is, as Registry.at counts them. */
  readonly epoch: number;
  /** What the system has chosen for port 0; undefined when another is configured. */
  readonly port: number | undefined;
}

/** A worker can be called. */
export interface Listening extends Message {
  readonly kind: 'listening';
  readonly url: string;
}

/** A worker cannot serve, and ends. Nothing in it is secret. */
export interface Failed extends Message {
  readonly kind: 'failed';
  readonly message: string;
}

/** Sent by a worker every second: what it has counted since, and what it holds. */
export interface Alive<Counts, Held> extends Message {
  readonly kind: 'alive';
  readonly counts: Counts;
  readonly held: Held;
}

/** Another configuration is to be put in force. Holds secrets. */
export interface Reload extends Message {
  readonly kind: 'reload';
  readonly epoch: number;
  readonly text: string;
  /** The credentials that are others than before. */
  readonly changed: readonly string[];
}

/** No exchange of a worker goes by a configuration before this one any more. */
export interface Released extends Message {
  readonly kind: 'released';
  readonly epoch: number;
}

/** Secrets are to be read again. */
export interface Reread extends Message {
  readonly kind: 'reread';
}

/** A worker is to drain and to end. */
export interface Stop extends Message {
  readonly kind: 'stop';
}

/** A worker is to end now; what it has to log gets out. */
export interface Cut extends Message {
  readonly kind: 'cut';
}

/** How often a worker says that it is alive, ms. */
export const aliveMs = 1_000;
