/** Who holds a session, until when (ms since the Unix epoch) and for how long it was taken (ms). */
export interface Lease {
  readonly owner: string;
  readonly untilWall: number;
  readonly ttlMs: number;
}

const slackMs = 60_000;

/**
 * Whether the lease is not over. One that ends more than a minute later than its time allows was taken before the
 * clock was set back, and would hold for as long as that was: it counts as over.
 */
export function holds({ untilWall, ttlMs }: Lease, now: number): boolean {
  return now < untilWall && untilWall <= now + ttlMs + slackMs;
}
