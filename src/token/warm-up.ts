import { CupbearerError } from '../errors.ts';
import type { Clock } from './clock.ts';
import type { Credential } from './credential.ts';
import { rereadMs } from './every.ts';
import { pause } from './pause.ts';

export interface WarmUpInit {
  readonly clock: Clock;
  /** The credentials that are to have a token before anybody asks, as they are now. */
  readonly due: () => readonly Credential[];
  /** Whether nothing more is to be fetched. */
  readonly stopped: () => boolean;
}

/** Has credentials get their first token. */
export interface WarmUp {
  /** Starts fetching, again and again until each has one. */
  start(): void;
  /** The names of those that have not had one yet; none once all have: readiness is not taken back. */
  waitingFor(): string[];
}

const leastMs = 1_000;

export function createWarmUp({ clock, due, stopped }: WarmUpInit): WarmUp {
  const warming = new WeakSet<Credential>();
  let wasReady = false;

  async function warmUp(one: Credential): Promise<void> {
    if (warming.has(one)) return;
    warming.add(one);
    while (!stopped() && !one.view().hadToken && due().includes(one)) {
      try {
        await one.acquire();
      } catch (error) {
        if (!(error instanceof CupbearerError)) throw error;
        await pause(clock, Math.min(Math.max(one.view().retryInMs, leastMs), rereadMs));
      }
    }
  }

  return {
    start() {
      for (const one of due()) void warmUp(one);
    },
    waitingFor() {
      if (wasReady) return [];
      const waiting = due()
        .map((one) => one.view())
        .filter((one) => !one.hadToken);
      wasReady = waiting.length === 0;
      return waiting.map((one) => one.credential);
    },
  };
}
