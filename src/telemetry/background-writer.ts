import { write } from 'node:fs';
import type { DestinationStream } from 'pino';

export interface BackgroundWriter extends DestinationStream {
  /** Resolves when all is written, or after `ms` milliseconds. Never rejects. */
  drained(ms: number): Promise<void>;
}

/** A pipe that is full takes no more; Node says so instead of waiting. */
const retryMs = 50;

/**
 * Writes to a file descriptor in order, without making anybody wait. What comes while `maxChars` wait for their turn is
 * dropped; so is what cannot be written.
 */
export function backgroundWriter(fd: number, maxChars: number): BackgroundWriter {
  let held = '';
  let isWriting = false;
  const waiters = new Set<() => void>();

  function next(): void {
    isWriting = held !== '';
    if (!isWriting) {
      for (const done of waiters) done();
      return;
    }
    const bytes = Buffer.from(held);
    held = '';
    send(bytes);
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
      if (held.length + text.length > maxChars) return;
      held += text;
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
