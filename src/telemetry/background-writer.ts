import { write } from 'node:fs';
import type { DestinationStream } from 'pino';

export interface BackgroundWriter extends DestinationStream {
  /** Text, or bytes of it, which are the writer's from then on. */
  write(text: string | Buffer): void;
  /** Resolves when all is written, or after `ms` milliseconds. Never rejects. */
  drained(ms: number): Promise<void>;
}

/** A pipe that is full takes no more; Node says so instead of waiting. */
const retryMs = 50;

/**
 * Writes to a file descriptor in order, without making anybody wait. What comes while `max` characters or bytes wait for
 * their turn is dropped; so is what cannot be written.
 */
export function backgroundWriter(fd: number, max: number): BackgroundWriter {
  let held: (string | Buffer)[] = [];
  let size = 0;
  let isWriting = false;
  const waiters = new Set<() => void>();

  function next(): void {
    isWriting = size > 0;
    if (!isWriting) {
      for (const done of waiters) done();
      return;
    }
    const pieces = held.map((piece) => (typeof piece === 'string' ? Buffer.from(piece) : piece));
    held = [];
    size = 0;
    send(pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces));
  }

  function send(bytes: Buffer): void {
    write(fd, bytes, (error, written) => {
      if (error?.code === 'EAGAIN') setTimeout(send, retryMs, bytes);
      else if (error === null && written < bytes.length) send(bytes.subarray(written));
      else next();
    });
  }

  return {
    write(text) {
      if (size + text.length > max) return;
      held.push(text);
      size += text.length;
      if (!isWriting) next();
    },
    drained(ms) {
      if (!isWriting) return Promise.resolve();
      return new Promise((resolve) => {
        const done = () => {
          clearTimeout(timer);
          waiters.delete(done);
          resolve();
        };
        const timer = setTimeout(done, ms);
        waiters.add(done);
      });
    },
  };
}
