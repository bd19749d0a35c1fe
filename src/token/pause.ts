import type { Clock } from './clock.ts';

/** Resolves to true after `ms`, to false when the signal aborts before. */
export function pause(clock: Clock, ms: number, signal?: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    if (signal?.aborted) {
      resolve(false);
      return;
    }
    const aborted = () => {
      cancel();
      resolve(false);
    };
    const cancel = clock.after(ms, () => {
      signal?.removeEventListener('abort', aborted);
      resolve(true);
    });
    signal?.addEventListener('abort', aborted, { once: true });
  });
}

/** A signal that aborts after `ms`, or with `signal`; `cancel` when it is no longer needed. */
export function withLimit(
  clock: Clock,
  ms: number,
  signal?: AbortSignal,
): { readonly signal: AbortSignal; readonly cancel: () => void } {
  const limit = new AbortController();
  const cancel = clock.after(ms, () => limit.abort());
  return { signal: signal ? AbortSignal.any([limit.signal, signal]) : limit.signal, cancel };
}
