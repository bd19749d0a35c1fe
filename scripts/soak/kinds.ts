import type { Target } from './calls.ts';

/** One kind of call, and what may come of it. */
export interface Kind {
  readonly name: string;
  /** How often, in comparison with the others. */
  readonly weight: number;
  /** The outcomes that its injected fault, or its lack of one, explains. */
  readonly expected: readonly string[];
  /** Resolves to the outcome. */
  run(target: Target): Promise<string>;
}

export interface Tally {
  /** Kind → outcome → how often. */
  readonly counts: ReadonlyMap<string, ReadonlyMap<string, number>>;
  /** Outcomes that were not expected, and the first of them in words. */
  readonly errors: number;
  readonly details: readonly string[];
  readonly total: number;
  readonly skipped: number;
}

const maxDetails = 20;
const hungMs = 30_000;

/** Runs kinds at random for `ms`, about `rate` calls a second and at most `most` at a time. */
export async function load(
  kinds: readonly Kind[],
  target: Target,
  { ms, rate, most }: { readonly ms: number; readonly rate: number; readonly most: number },
): Promise<Tally> {
  const counts = new Map<string, Map<string, number>>();
  const details: string[] = [];
  let errors = 0;
  let total = 0;
  let skipped = 0;
  const running = new Set<Promise<void>>();
  const began = performance.now();
  const note = (kind: Kind, outcome: string) => {
    const outcomes = counts.get(kind.name) ?? new Map<string, number>();
    counts.set(kind.name, outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1));
    if (kind.expected.includes(outcome)) return;
    errors++;
    const second = ((performance.now() - began) / 1_000).toFixed(1);
    if (details.length < maxDetails)
      details.push(`${second} s: ${kind.name}: ${outcome}, expected ${kind.expected.join(' or ')}`);
  };
  const one = (kind: Kind) => {
    total++;
    let timer: NodeJS.Timeout | undefined;
    const hung = new Promise<string>((resolve) => {
      timer = setTimeout(resolve, hungMs, 'hung');
    });
    const run: Promise<void> = Promise.race([kind.run(target), hung]).then((outcome) => {
      clearTimeout(timer);
      note(kind, outcome);
      running.delete(run);
    });
    running.add(run);
  };
  let due = 0;
  for (let now = began; now - began < ms; now = performance.now()) {
    for (const wanted = ((now - began) / 1_000) * rate; due < wanted; due++) {
      if (running.size < most) one(pick(kinds));
      else skipped++;
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  await Promise.all(running);
  return { counts, errors, details, total, skipped };
}

function pick(kinds: readonly Kind[]): Kind {
  let left = Math.random() * kinds.reduce((sum, { weight }) => sum + weight, 0);
  for (const kind of kinds) {
    left -= kind.weight;
    if (left < 0) return kind;
  }
  return kinds[0] as Kind;
}
