import type { Readable } from 'node:stream';

/** Shorter pauses would not be kept. */
const shortestPauseMs = 20;

/** Takes all that comes out of a stream, at most so many bytes a second; 0 takes it as fast as it comes. */
export function takeSlowly(stream: Readable, bytesPerSecond: number): void {
  const began = performance.now();
  let taken = 0;
  stream.on('data', (chunk: Buffer) => {
    taken += chunk.length;
    if (bytesPerSecond === 0) return;
    const ahead = (taken / bytesPerSecond) * 1000 - (performance.now() - began);
    if (ahead < shortestPauseMs) return;
    stream.pause();
    setTimeout(() => stream.resume(), ahead);
  });
}
