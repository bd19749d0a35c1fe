import { type Clock, systemClock } from '../../src/token/clock.ts';

/** The machine's clocks, which a test can move forward. Timers run in real time. */
export interface OffsetClock extends Clock {
  advance(ms: number): void;
  /** Sets the wall clock alone, forward or back. */
  setWall(ms: number): void;
}

export function offsetClock(): OffsetClock {
  let offset = 0;
  let wallOffset = 0;
  return {
    ...systemClock,
    mono: () => systemClock.mono() + offset,
    wall: () => systemClock.wall() + offset + wallOffset,
    advance(ms) {
      offset += ms;
    },
    setWall(ms) {
      wallOffset += ms;
    },
  };
}
