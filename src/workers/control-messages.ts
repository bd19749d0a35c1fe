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
  readonly level: string;
  readonly pretty: boolean;
  /** Our pseudonym in Via. */
  readonly via: string;
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

/** Sent by a worker every second, with what it has counted since. */
export interface Alive<Counts> extends Message {
  readonly kind: 'alive';
  readonly counts: Counts;
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
