import type { Options } from '../targets/options.ts';
import type { Served } from '../targets/serve.ts';
import type { Upstream } from '../targets/upstream.ts';

/** Where a series plays. */
export interface Stage {
  readonly options: Options;
  readonly upstream: Upstream;
  /** Notes a process, so that it is stopped when the series is over. */
  readonly started: (served: Served) => Served;
}
