import { CupbearerError } from '../errors.ts';

/** Counts what is in progress and lets no more than `max` in. */
export interface Gate {
  readonly inside: number;
  /** How many may be inside; a lower bound turns nobody out. */
  max: number;
  /** Throws CupbearerError `overloaded` 503 when full; nothing waits for its turn. */
  enter(): void;
  /** One that entered is done. */
  leave(): void;
}

/** `what` is counted, in the plural; `key` is the configuration key of the bound. */
export function createGate(max: number, what: string, key: string): Gate {
  let inside = 0;
  const gate: Gate = {
    max,
    get inside() {
      return inside;
    },
    enter() {
      if (inside >= gate.max) {
        throw new CupbearerError(
          'overloaded',
          `${gate.max} ${what} are in progress; raise ${key} if that is expected`,
          {
            retryAfterMs: 1000,
          },
        );
      }
      inside++;
    },
    leave() {
      inside--;
    },
  };
  return gate;
}
