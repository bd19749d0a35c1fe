import type { Socket } from 'node:net';
import { breakOff, reset } from '../gateway/reset.ts';
import { owedOn } from '../gateway/turns.ts';
import { Watch, type Watched } from '../gateway/watch.ts';
import type { Clock } from '../token/clock.ts';

/** What libuv knows of a connection; net.Socket's own timeout looks at it too. */
interface Handle {
  readonly bytesWritten: number;
  /** Bytes the kernel has not taken yet; sinks piece by piece, writableLength only by whole writes. */
  readonly writeQueueSize: number;
}

interface Waiting {
  readonly taken: number;
  /** When it was first seen that this much had been taken, ms. */
  readonly since: number;
}

/**
 * The open connections of a listener. Cuts those whose other side takes nothing of what waits for it for `limitMs`,
 * whatever that is: an answer, a refusal, a tunnel. One look at all of them every half second; a request costs nothing.
 * What lies in the kernel's buffer counts as taken; Linux tells of progress only after a third of it (of up to 4 MiB).
 */
export class Connections implements Watched {
  /** How long the other side may take nothing, ms. */
  limitMs: number;
  readonly #watch: Watch;
  readonly #sockets = new Set<Socket>();
  readonly #waiting = new Map<Socket, Waiting>();
  readonly #speaking = new Set<Socket>();
  #place = 0;

  constructor(limitMs: number, clock: Clock) {
    this.limitMs = limitMs;
    this.#watch = new Watch(clock);
  }

  /** Looks after a connection until it closes. */
  add(socket: Socket): void {
    if (this.#sockets.size === 0) this.#place = this.#watch.enter(this);
    this.#sockets.add(socket);
    socket.once('close', () => this.#leave(socket));
  }

  /** Knows that HTTP is spoken on a connection: with TLS, on top of an added one. */
  speaks(socket: Socket): void {
    this.#speaking.add(socket);
    socket.once('close', () => this.#speaking.delete(socket));
  }

  /** Whether an answer is written, but the kernel has not taken all of it. Node calls such a connection idle. */
  get isSending(): boolean {
    for (const socket of this.#speaking) {
      const owed = owedOn(socket);
      if (owed?.writableEnded && !owed.writableFinished) return true;
    }
    return false;
  }

  check(now: number): void {
    for (const socket of this.#sockets) this.#look(socket, now);
  }

  /** Cuts every connection, those in a TLS handshake and tunnels too; no caller can take its answer for complete. */
  cut(): void {
    for (const socket of this.#speaking) {
      const owed = owedOn(socket);
      if (owed?.headersSent) breakOff(owed);
    }
    for (const socket of this.#sockets) socket.destroy();
  }

  #look(socket: Socket, now: number): void {
    const handle = (socket as { _handle?: Handle | null })._handle;
    const queued = handle?.writeQueueSize ?? 0;
    if (handle === undefined || handle === null || queued === 0) {
      this.#waiting.delete(socket);
      return;
    }
    const taken = handle.bytesWritten - queued;
    const before = this.#waiting.get(socket);
    if (before?.taken !== taken) this.#waiting.set(socket, { taken, since: now });
    else if (now - before.since >= this.limitMs) reset(socket);
  }

  #leave(socket: Socket): void {
    this.#sockets.delete(socket);
    this.#waiting.delete(socket);
    if (this.#sockets.size === 0) this.#watch.leave(this.#place);
  }
}
