import type { DestinationStream } from 'pino';

export interface Batch extends DestinationStream {
  /** Hands on what is held. */
  flush(): void;
}

/** UTF-8 needs no more for a UTF-16 unit. */
const mostBytesPerChar = 3;

/**
 * Collects lines and hands them on, as UTF-8, about `bytes` at a time: one write of many lines costs a third of many
 * writes. Each line is encoded while it is young: as one long text they would be spread over megabytes of memory.
 */
export function batched(target: { write(bytes: Buffer): void }, bytes: number): Batch {
  const page = Buffer.allocUnsafe(bytes);
  let used = 0;
  const flush = () => {
    if (used === 0) return;
    // No larger than what it holds: many may wait for their turn.
    const lines = Buffer.allocUnsafeSlow(used);
    page.copy(lines);
    used = 0;
    target.write(lines);
  };
  return {
    flush,
    write(line) {
      const most = line.length * mostBytesPerChar;
      if (most > bytes - used) flush();
      if (most > bytes) target.write(Buffer.from(line));
      else used += page.write(line, used);
    },
  };
}
