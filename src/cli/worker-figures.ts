import { type CountsDelta, createTotals, type Totals } from '../telemetry/counters.ts';
import type { Channel } from '../workers/channel.ts';
import type { Alive } from '../workers/control-messages.ts';
import type { Usage } from './proxy.ts';

/** What workers say of themselves, together. */
export interface WorkerFigures {
  readonly totals: Totals;
  /** What they hold, as they have said last. */
  usage(): Usage;
  /** Listens to a worker; gives the end. */
  follow(channel: Channel): () => void;
}

const nothing: Usage = { connections: 0, exchanges: 0, tunnels: 0, watched: 0, buffered: 0 };

export function createWorkerFigures(prefixes: readonly string[]): WorkerFigures {
  const totals = createTotals(prefixes);
  const held = new Map<Channel, Usage>();
  return {
    totals,
    usage: () =>
      [...held.values()].reduce(
        (sum, one) => ({
          connections: sum.connections + one.connections,
          exchanges: sum.exchanges + one.exchanges,
          tunnels: sum.tunnels + one.tunnels,
          watched: sum.watched + one.watched,
          buffered: sum.buffered + one.buffered,
        }),
        nothing,
      ),
    follow(channel) {
      const ignore = channel.listen((message) => {
        if (message.kind !== 'alive') return;
        const alive = message as Alive<CountsDelta, Usage>;
        totals.add(alive.counts);
        held.set(channel, alive.held);
      });
      return () => {
        ignore();
        held.delete(channel);
      };
    },
  };
}
