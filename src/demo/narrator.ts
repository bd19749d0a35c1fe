import { setTimeout as sleep } from 'node:timers/promises';
import { fieldOf, shortBody, shortCredential } from './report.ts';
import type { SeenRequest } from './vendor.ts';

/** Tells what happens and keeps count of the promises that were not kept. */
export class Narrator {
  broken = 0;
  readonly #write: (line: string) => void;

  constructor(write: (line: string) => void) {
    this.#write = write;
  }

  title(text: string): void {
    this.#write(`\n${text}\n`);
  }

  say(line: string): void {
    this.#write(line);
  }

  /** Says whether a promise was kept; `got` is what came instead. */
  check(promise: string, kept: boolean, got: string | number): void {
    if (!kept) this.broken++;
    this.#write(kept ? `  ✓ ${promise}` : `  ✗ ${promise}: got ${got}`);
  }

  /** What a vendor saw, without what is secret in it. */
  show(request: SeenRequest): void {
    const authorization = fieldOf(request, 'authorization');
    const version = fieldOf(request, 'version');
    this.say(`    vendor saw  ${request.method} ${request.path} → ${request.status || 'no answer'}`);
    if (authorization !== undefined)
      this.say(`                Authorization: ${shortCredential(authorization)}`);
    if (version !== undefined) this.say(`                Version: ${version}`);
    if (!/token$/.test(request.path)) return;
    this.say(`                ${fieldOf(request, 'content-type')}`);
    this.say(`                ${shortBody(request)}`);
  }

  /** Waits for a moment of the monotonic clock, in ms. */
  async until(moment: number): Promise<void> {
    await sleep(Math.max(0, moment - performance.now()));
  }

  /** Waits up to two seconds for something to be so. */
  async becomes(condition: () => boolean): Promise<boolean> {
    for (let left = 100; left > 0 && !condition(); left--) await sleep(20);
    return condition();
  }
}
