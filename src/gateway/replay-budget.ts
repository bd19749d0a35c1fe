/** How many bytes all replay buffers together may hold. */
export interface ReplayBudget {
  readonly used: number;
  /** How many bytes there may be. */
  max: number;
  /** Reserves `bytes`; false when the bound would be passed. */
  take(bytes: number): boolean;
  give(bytes: number): void;
}

export function createReplayBudget(maxBytes: number): ReplayBudget {
  let used = 0;
  const budget: ReplayBudget = {
    max: maxBytes,
    get used() {
      return used;
    },
    take(bytes) {
      if (used + bytes > budget.max) return false;
      used += bytes;
      return true;
    },
    give(bytes) {
      used -= bytes;
    },
  };
  return budget;
}
