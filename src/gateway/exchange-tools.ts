import type { Exchange } from './record.ts';
import type { ReplayBudget } from './replay-budget.ts';
import type { Tunnels } from './tunnel.ts';
import type { Watch } from './watch.ts';

/** What all exchanges use. */
export interface ExchangeTools {
  readonly budget: ReplayBudget;
  readonly via: string;
  readonly watch: Watch;
  /** Is told the size of each piece of a body that goes through, and of what has come of that body by then, bytes. */
  readonly passed: (bytes: number, ofBody: number) => void;
  readonly tunnels: Tunnels;
  readonly draining: () => boolean;
  readonly now: () => number;
  /** How long a caller may pause within its body, ms. */
  readonly bodyTimeout: number;
  /** Called once when the exchange has become a tunnel, which needs no token any more. */
  readonly switched: () => void;
  /** Is told who waits for a token, of which tenant; only when traces are recorded. */
  readonly waiting?: ((exchange: Exchange, tenant: string | undefined) => void) | undefined;
  /** Called once, when the exchange is over. */
  readonly onEnd: (exchange: Exchange) => void;
}
