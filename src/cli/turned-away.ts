import type { Server } from 'node:net';
import { codeOf } from '../telemetry/error-facts.ts';
import type { Log } from '../telemetry/log.ts';
import type { Clock } from '../token/clock.ts';
import { paced } from './paced.ts';

/** Logs connections that a listener did not take, at most once every 10 s and reason, as a count. */
export function tellTurnedAway(server: Server, clock: Clock, log: Log): void {
  let code: string | undefined;
  const failed = paced(clock, (connections) =>
    log.warn('connections could not be accepted', {
      connections,
      code,
      what_to_do: 'raise the limit of open files (ulimit -n, LimitNOFILE=) or lower server.max_connections',
    }),
  );
  server.on(
    'drop',
    paced(clock, (connections) =>
      log.warn('server.max_connections is reached; connections were closed', {
        connections,
        what_to_do: 'raise server.max_connections, or find the caller that opens so many',
      }),
    ),
  );
  // EMFILE, for one, once the listener is bound.
  server.on('error', (error) => {
    code = codeOf(error);
    failed();
  });
}
