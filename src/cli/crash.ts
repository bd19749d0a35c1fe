import { type ErrorFacts, errorFacts } from '../telemetry/error-facts.ts';

export type TellCrash = (facts: ErrorFacts) => void | Promise<void>;

/** What becomes of errors that nobody has caught. Node's own way is to print them with all they hold. */
export interface CrashWatch {
  /** Resolves to the exit code when one has come and was told. */
  readonly ended: Promise<1>;
  /** From now on `tell` tells of the first one, once. */
  by(tell: TellCrash): void;
}

/** Watches the process from now on. */
export function watchCrashes(tell: TellCrash): CrashWatch {
  let teller = tell;
  const { promise: ended, resolve } = Promise.withResolvers<1>();
  let isOver = false;
  const crashed = async (error: unknown) => {
    if (isOver) return;
    isOver = true;
    try {
      await teller(errorFacts(error));
    } finally {
      resolve(1);
    }
  };
  process.on('uncaughtException', crashed).on('unhandledRejection', crashed);
  return {
    ended,
    by(next) {
      teller = next;
    },
  };
}

/** `TypeError ERR_INVALID_ARG_TYPE (Error ECONNRESET) at src/cli/start.ts:12` */
export function renderFacts({ error, code, causes, at }: ErrorFacts): string {
  return [error, code, causes && `(${causes})`, at && `at ${at}`]
    .filter((part) => part !== undefined)
    .join(' ');
}
