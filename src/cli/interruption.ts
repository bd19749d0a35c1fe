import { CupbearerError } from '../errors.ts';

/** The first SIGINT or SIGTERM, taken as a wish: what must not be cut may end first. A second one ends the process. */
export interface Interruption {
  /** Aborts with `login-refused` when the signal comes. */
  readonly signal: AbortSignal;
  /** From here on both signals do what they usually do. */
  end(): void;
}

const names = ['SIGINT', 'SIGTERM'] as const;
/** How long an end may take before the person is told why, ms. */
const tellAfterMs = 300;

/** `tell` is called when `end` does not follow soon after the signal. */
export function awaitInterruption(tell: () => void): Interruption {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const release = () => {
    for (const name of names) process.off(name, interrupt);
  };
  const interrupt = () => {
    release();
    timer = setTimeout(tell, tellAfterMs);
    controller.abort(new CupbearerError('login-refused', 'interrupted before anybody had logged in'));
  };
  for (const name of names) process.on(name, interrupt);
  return {
    signal: controller.signal,
    end() {
      clearTimeout(timer);
      release();
    },
  };
}
