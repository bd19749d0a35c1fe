import type { Readable } from 'node:stream';

const newline = 0x0a;
/** More than this without a newline is no line of ours. */
const maxHeldBytes = 1024 * 1024;

/**
 * Hands on what a stream brings as whole lines, many at a time: what several processes write to one pipe would mix
 * within lines (pipe(7), PIPE_BUF).
 */
export function wholeLines(stream: Readable, take: (lines: string) => void): void {
  let held: Buffer[] = [];
  let heldBytes = 0;
  const hand = () => {
    if (heldBytes > 0) take(Buffer.concat(held).toString());
    held = [];
    heldBytes = 0;
  };
  stream.on('data', (chunk: Buffer) => {
    const end = chunk.lastIndexOf(newline) + 1;
    if (end > 0) {
      held.push(chunk.subarray(0, end));
      heldBytes += end;
      hand();
    }
    const rest = chunk.subarray(end);
    if (rest.length === 0) return;
    held.push(rest);
    heldBytes += rest.length;
    if (heldBytes > maxHeldBytes) hand();
  });
  stream.on('end', () => {
    if (heldBytes > 0) held.push(Buffer.of(newline));
    hand();
  });
  stream.on('error', hand);
}
