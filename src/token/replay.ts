import type { Rotation } from '../provider/provider.ts';
import { type Clock, clockSlackMs } from './clock.ts';
import type { Failure } from './failure.ts';

/** When an unanswered refresh token is sent again, ms after it went unanswered first. */
const replayAt = [1_000, 3_000, 8_000];
const mostAnswerMs = 30_000;

/** How long to wait for one answer, ms: short enough to ask again within the provider's grace. */
export function answerMs({ grace }: Rotation): number {
  return grace === 0 ? mostAnswerMs : Math.min(Math.max(grace - 8_000, grace / 2), mostAnswerMs);
}

/**
 * How often and when a refresh token may be sent again that was sent at `startedWall` and maybe taken: within the
 * provider's grace, three times.
 */
export class Replay {
  readonly startedWall: number;
  readonly #clock: Clock;
  readonly #rotation: Rotation;
  #unansweredMono: number | undefined;
  #count = 0;

  constructor(clock: Clock, rotation: Rotation, startedWall: number) {
    this.#clock = clock;
    this.#rotation = rotation;
    this.startedWall = startedWall;
  }

  /** The provider takes it still, and it was not sent too often yet. */
  get isOpen(): boolean {
    if (this.#rotation.replay_after_grace) return true;
    return this.#count <= replayAt.length && this.#graceLeft() > 0;
  }

  /** It has gone unanswered. */
  get isInQuestion(): boolean {
    return this.#unansweredMono !== undefined;
  }

  /** Milliseconds to wait before it is sent once more; undefined: not in this flight. */
  next({ retryAfterMs = 0 }: Failure): number | undefined {
    const now = this.#clock.mono();
    this.#unansweredMono ??= now;
    const at = replayAt[this.#count++];
    if (at === undefined) return undefined;
    const wait = Math.max(this.#unansweredMono + at - now, retryAfterMs, 0);
    return wait < this.#graceLeft() ? wait : undefined;
  }

  /** A start in the future means that a clock was set back: nobody knows how long ago it was. */
  #graceLeft(): number {
    const elapsed = this.#clock.wall() - this.startedWall;
    return elapsed < -clockSlackMs ? 0 : this.#rotation.grace - Math.max(elapsed, 0);
  }
}
