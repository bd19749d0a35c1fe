import { type Histogram, quantile } from './histogram.ts';
import type { RouteCounts } from './route-counts.ts';

/** What a route did in one spell. */
interface Spell {
  /** Requests a second. */
  readonly rate: number;
  /** Estimates, ms; undefined without requests. */
  readonly p50: number | undefined;
  readonly p99: number | undefined;
  /** Our own answers. */
  readonly errors: number;
}

/** Spells of one route by what they tell, oldest first. */
export interface RouteSeries {
  readonly rate: readonly number[];
  readonly p50: readonly (number | undefined)[];
  readonly p99: readonly (number | undefined)[];
  readonly errors: readonly number[];
}

interface Entry {
  counts: RouteCounts;
  readonly spells: Spell[];
}

const mostSpells = 60;
const mostRoutes = 200;

/**
 * What routes did lately, made of counts that only rise: the last 60 spells, of the 200 routes with most requests. Takes
 * some 2 MB at most.
 */
export class RouteHistory {
  #entries = new Map<string | undefined, Entry>();
  #takenAt: number | undefined;

  /** Ends a spell: `counts` is what was counted until now, `mono` ms. */
  take(counts: readonly RouteCounts[], mono: number): void {
    const seconds = this.#takenAt === undefined ? 0 : (mono - this.#takenAt) / 1_000;
    this.#takenAt = mono;
    const entries = new Map<string | undefined, Entry>();
    for (const one of busiest(counts)) {
      const entry = this.#entries.get(one.route);
      // One that has become one of the busiest, or whose counts began anew, has no past.
      if (entry === undefined || one.requests < entry.counts.requests || seconds <= 0) {
        entries.set(one.route, { counts: one, spells: [] });
        continue;
      }
      entry.spells.push(spellOf(entry.counts, one, seconds));
      if (entry.spells.length > mostSpells) entry.spells.shift();
      entry.counts = one;
      entries.set(one.route, entry);
    }
    this.#entries = entries;
  }

  /** Of each route, what its spells were. */
  read(): Map<string | undefined, RouteSeries> {
    const of = ({ spells }: Entry): RouteSeries => ({
      rate: spells.map(({ rate }) => rate),
      p50: spells.map(({ p50 }) => p50),
      p99: spells.map(({ p99 }) => p99),
      errors: spells.map(({ errors }) => errors),
    });
    return new Map([...this.#entries].map(([route, entry]) => [route, of(entry)]));
  }
}

function busiest(counts: readonly RouteCounts[]): readonly RouteCounts[] {
  if (counts.length <= mostRoutes) return counts;
  return counts.toSorted((a, b) => b.requests - a.requests).slice(0, mostRoutes);
}

function spellOf(before: RouteCounts, now: RouteCounts, seconds: number): Spell {
  const duration = difference(before.duration, now.duration);
  return {
    rate: (now.requests - before.requests) / seconds,
    p50: quantile(0.5, duration),
    p99: quantile(0.99, duration),
    errors: total(now.errors) - total(before.errors),
  };
}

function difference(before: Histogram, now: Histogram): Histogram {
  const buckets = now.buckets.map((one, i) => Math.max(0, one - (before.buckets[i] ?? 0)));
  return { buckets, sum: now.sum - before.sum };
}

function total(errors: RouteCounts['errors']): number {
  return Object.values(errors).reduce((sum, times) => sum + times, 0);
}
