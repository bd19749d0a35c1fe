import type { Channel, Message } from '../../src/workers/channel.ts';

/** One direction of a wire: what was sent and has not arrived yet. */
class Line {
  readonly sent: Message[] = [];
  readonly listeners = new Set<(message: Message) => void>();
  #waiting: string[] = [];
  #isManual = false;
  #isCut = false;

  send(message: Message): void {
    if (this.#isCut) return;
    this.sent.push(message);
    this.#waiting.push(JSON.stringify(message));
    if (!this.#isManual) queueMicrotask(() => this.deliver());
  }

  /** From now on messages arrive when `deliver` is called, or soon after they were sent. */
  hold(isManual = true): void {
    this.#isManual = isManual;
    if (!isManual) this.deliver();
  }

  /** What waits arrives, one message right after the other, as out of one read: no promise settles in between. */
  deliver(most = Infinity): void {
    for (const text of this.#waiting.splice(0, most))
      for (const listener of [...this.listeners]) listener(JSON.parse(text) as Message);
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  cut(): void {
    this.#isCut = true;
    this.#waiting = [];
  }
}

/** A parent and a worker joined in memory: ordered, asynchronous, as JSON. */
export class Wire {
  readonly toParent = new Line();
  readonly toWorker = new Line();
  readonly parent: Channel = endOf(this.toWorker, this.toParent);
  readonly worker: Channel = endOf(this.toParent, this.toWorker);

  /** Nothing arrives any more. */
  cut(): void {
    this.toParent.cut();
    this.toWorker.cut();
  }

  /** How many messages of a kind went either way. */
  count(kind: string): number {
    return [...this.toParent.sent, ...this.toWorker.sent].filter((message) => message.kind === kind).length;
  }
}

function endOf(out: Line, into: Line): Channel {
  return {
    send: (message) => out.send(message),
    listen(listener) {
      into.listeners.add(listener);
      return () => into.listeners.delete(listener);
    },
  };
}
