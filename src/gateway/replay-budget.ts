/** How many bytes all replay buffers together may hold. */
export interface ReplayBudget {
  readonly used: number;
  /** Reserves `bytes`; false when the bound would be passed. */
  take(bytes: number): boolean;
  give(bytes: number): void;
}

export function createReplayBudget(maxBytes: number): ReplayBudget {
  let used = 0;
  return {
    get used() {
      return used;
    },
    take(bytes) {
      if (used + bytes > maxBytes) return false;
      used += bytes;
      return true;
    },
    give(bytes) {
      used -= bytes;
    },
  };
}
