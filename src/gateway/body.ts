import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { brokenOff } from './body-faults.ts';
import { StreamedBody, type StreamOptions } from './body-stream.ts';
import type { RequestHead } from './guard.ts';
import { KeptBytes } from './kept-bytes.ts';
import type { ReplayBudget } from './replay-budget.ts';

/** Whether a request brings a body. */
export function hasBody({ chunked, contentLength }: RequestHead): boolean {
  return chunked || (contentLength ?? 0) > 0;
}

/** A request body on its way upstream. */
export interface RequestBody {
  /** What the first attempt sends. */
  readonly first: Buffer | Readable | null;
  /** The whole body for a second attempt, waiting for its end; undefined when it was not kept. */
  replay(): Promise<Buffer | null | undefined>;
  /** Whether the body has been kept so far. */
  readonly replayable: boolean;
  /** Whether it is still on its way and not held up by the upstream, since this was asked last. */
  uploading(): boolean;
  /** Gives back what the body holds of the budget. Safe to call twice. */
  release(): void;
}

const noBody: RequestBody = {
  first: null,
  replay: async () => null,
  replayable: true,
  uploading: () => false,
  release() {},
};

/**
 * The body of a request. Announced bodies within `limit` bytes and the budget are read whole first; a chunked body
 * streams at once and is kept beside while it stays within both; any other streams and is not kept.
 * A chunked one that grows beyond `max` bytes breaks off with `body-too-large`. Rejects with `malformed-request` when the
 * caller breaks off.
 */
export function readBody(
  request: IncomingMessage,
  head: RequestHead,
  limit: number,
  budget: ReplayBudget,
  { max, passed }: StreamOptions = {},
): RequestBody | Promise<RequestBody> {
  const length = head.contentLength;
  if (!hasBody(head)) return noBody;
  if (head.chunked || length === undefined) return new StreamedBody(request, limit, budget, { max, passed });
  if (length > limit) return new StreamedBody(request, 0, budget, { passed });
  return collect(request, budget);
}

/** Reads a body whole; when the budget ends on the way, what has come and what follows streams instead. */
function collect(request: IncomingMessage, budget: ReplayBudget): Promise<RequestBody> {
  return new Promise((resolve, reject) => {
    const kept = new KeptBytes();
    let taken = 0;
    const stop = () => {
      request.off('data', onData).off('end', onEnd).off('error', onBreak).off('close', onBreak);
    };
    const onData = (chunk: Buffer) => {
      kept.add(chunk);
      if (budget.take(chunk.length)) {
        taken += chunk.length;
        return;
      }
      stop();
      budget.give(taken);
      resolve(new StreamedBody(request, 0, budget, { begun: kept.pieces() }));
    };
    const onEnd = () => {
      stop();
      resolve(wholeBody(kept.whole(), taken, budget));
    };
    const onBreak = () => {
      stop();
      budget.give(taken);
      reject(brokenOff());
    };
    request.on('data', onData).on('end', onEnd).on('error', onBreak).on('close', onBreak);
  });
}

function wholeBody(whole: Buffer, taken: number, budget: ReplayBudget): RequestBody {
  let held = taken;
  return {
    first: whole,
    replay: async () => whole,
    replayable: true,
    uploading: () => false,
    release() {
      budget.give(held);
      held = 0;
    },
  };
}
