import type { MetricsOptions } from '../admin/metrics.ts';
import type { Store } from '../store/store.ts';
import { createTally } from '../telemetry/tally.ts';
import { createTokenCounts } from '../telemetry/token-counts.ts';
import type { Clock } from '../token/clock.ts';
import type { TokenEvents } from '../token/events.ts';
import { countedStore, type StoreCounts } from './counted-store.ts';
import type { MetricsDeskInit } from './metrics-desk.ts';
import { tokenTally } from './token-tally.ts';

/** What is counted of tokens and of the store from the start on, scraped or not. */
export interface Meters {
  /** To be told what happens to tokens. */
  readonly events: TokenEvents;
  /** A store whose operations are counted. */
  counted(store: Store): Store;
  /** What answers scrapes; all that only they need is loaded by the first. */
  scraped(parts: Omit<MetricsDeskInit, 'tokenCounts' | 'storeCounts' | 'clock'>): MetricsOptions['scrape'];
}

export function createMeters(clock: Clock): Meters {
  const tokenCounts = createTokenCounts();
  const storeCounts: StoreCounts = createTally(['operation', 'outcome']);
  return {
    events: tokenTally(tokenCounts),
    counted: (store) => countedStore(store, storeCounts, clock),
    scraped(parts) {
      const load = async () => {
        const { createMetricsDesk } = await import('./metrics-desk.ts');
        return createMetricsDesk({ ...parts, clock, tokenCounts, storeCounts });
      };
      let desk: ReturnType<typeof load> | undefined;
      return async (accept) => {
        desk ??= load();
        return (await desk)(accept);
      };
    },
  };
}
