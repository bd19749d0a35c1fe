import type { Config } from '../config/config.ts';
import type { Callers } from '../gateway/caller.ts';
import type { Log } from '../telemetry/log.ts';
import type { Clock } from '../token/clock.ts';
import { every, rereadMs } from '../token/every.ts';
import { SecretFiles } from '../token/secret-files.ts';

export interface CallerKeysInit {
  readonly config: Pick<Config, 'callers'>;
  readonly callers: Pick<Callers, 'reload'>;
  readonly clock: Clock;
  readonly log: Log;
}

/** The keys of callers as their files have them. */
export interface CallerKeys {
  /** Reads every key again now. */
  reread(): void;
  close(): void;
}

/** Has callers go by the keys in their files, however those change. */
export function watchCallerKeys({ config, callers, clock, log }: CallerKeysInit): CallerKeys {
  const files = new SecretFiles({
    entries: config.callers,
    changed(caller, names) {
      callers.reload();
      log.info('secrets changed', { caller, keys: names.join(', ') });
    },
    kept(caller, key, detail) {
      log.warn('a secret could not be read again; the one before stays', {
        caller,
        key,
        detail,
        what_to_do: 'make the file readable again; it is looked at every few seconds',
      });
    },
  });
  const close = every(clock, rereadMs, () => void files.look());
  return { reread: () => files.readAll(), close };
}
