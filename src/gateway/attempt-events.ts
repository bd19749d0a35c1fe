import type { Socket } from 'node:net';

/** What the exchange decides and hears about one attempt. */
export interface AttemptEvents {
  /** The final head is here. `hold` keeps the answer back until `pass()` or `discard()` is called. */
  onHead(status: number, raw: readonly string[]): 'pass' | 'hold';
  /** The attempt failed and nothing of it has reached the caller. */
  onFailure(error: unknown): void;
  /** The upstream answered 101; `upstream` is its connection from here on. Throws what fails the attempt. */
  onSwitch(raw: readonly string[], upstream: Socket): void;
  /** Whether the request body is still on its way, and not because the upstream does not take it. */
  uploading(): boolean;
}
