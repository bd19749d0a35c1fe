/** A client as a hub sees it. */
export interface HubClient {
  /** Calls a method of the client without waiting for anything. */
  send(target: string, ...args: readonly unknown[]): void;
}

/** What clients may invoke. A method that throws refuses the invocation with the error's message. */
export interface Hub {
  readonly methods: Readonly<Record<string, (client: HubClient, ...args: unknown[]) => unknown>>;
  /** Their items go out one by one, until `signal` says that the client wants no more. */
  readonly streams: Readonly<
    Record<string, (signal: AbortSignal, ...args: unknown[]) => AsyncIterable<unknown>>
  >;
  /** The client is gone. */
  left(client: HubClient): void;
}

/** Where a conversation writes. */
export interface Output {
  write(text: string): void;
  /** Nothing follows what was written. */
  close(): void;
}

/** Ends every message of the JSON hub protocol. */
export const separator = '\x1e';
/** Characters of one message. ASP.NET Core takes 32 KiB unless told otherwise (MaximumReceiveMessageSize). */
const messageLimit = 32 * 1024;
const type = {
  invocation: 1,
  streamItem: 2,
  completion: 3,
  streamInvocation: 4,
  cancelInvocation: 5,
  ping: 6,
  close: 7,
} as const;

type Message = Readonly<Record<string, unknown>>;

/**
 * The server's side of one connection in the JSON encoding of the SignalR hub protocol, version 1 (dotnet/aspnetcore,
 * src/SignalR/docs/specs/HubProtocol.md). Clients cannot upload streams.
 */
export class HubConversation {
  readonly #hub: Hub;
  readonly #output: Output;
  readonly #client: HubClient;
  readonly #running = new Map<string, AbortController>();
  #last = Promise.resolve();
  #pending = '';
  #shaken = false;
  #over = false;

  constructor(hub: Hub, output: Output) {
    this.#hub = hub;
    this.#output = output;
    this.#client = {
      send: (target, ...args) => this.#send({ type: type.invocation, target, arguments: args }),
    };
  }

  /** Takes what the client sent, in pieces of any size. */
  receive(text: string): void {
    const parts = `${this.#pending}${text}`.split(separator);
    this.#pending = parts.pop() ?? '';
    for (const part of parts) this.#message(part);
    if (this.#pending.length > messageLimit) this.#tooLong();
  }

  /** Tells the client that we are still here. */
  ping(): void {
    if (this.#shaken) this.#send({ type: type.ping });
  }

  /** Ends the conversation and says why, if anything was wrong. */
  end(error?: string): void {
    if (this.#over) return;
    this.#send(this.#shaken ? { type: type.close, ...(error === undefined ? {} : { error }) } : { error });
    this.gone();
    this.#output.close();
  }

  /** The client is gone: there is nobody to tell. */
  gone(): void {
    if (this.#over) return;
    this.#over = true;
    for (const running of this.#running.values()) running.abort();
    this.#hub.left(this.#client);
  }

  #tooLong(): void {
    this.end(`A message is larger than ${messageLimit} characters.`);
  }

  #message(text: string): void {
    if (this.#over) return;
    const message = parse(text);
    if (text.length > messageLimit) this.#tooLong();
    else if (message === undefined) this.end('A message is not a JSON object.');
    else if (!this.#shaken) this.#shake(message);
    else this.#take(message);
  }

  #shake({ protocol, version }: Message): void {
    if (protocol !== 'json') this.end(`Requested protocol '${String(protocol)}' is not available.`);
    else if (version !== 1) this.end(`Version ${String(version)} of the protocol is not available.`);
    else {
      this.#shaken = true;
      this.#send({});
    }
  }

  #take(message: Message): void {
    switch (message.type) {
      case type.invocation:
        // One after the other, as ASP.NET Core does it (MaximumParallelInvocationsPerClient).
        this.#last = this.#last.then(() => this.#invoke(message));
        return;
      case type.streamInvocation:
        void this.#stream(message);
        return;
      case type.cancelInvocation:
        this.#running.get(String(message.invocationId))?.abort();
        return;
      case type.close:
        this.gone();
        this.#output.close();
        return;
      case type.streamItem:
      case type.completion:
        this.end('There is no such invocation.');
        return;
      // Pings need no answer, and types that come with later versions are to be passed over.
    }
  }

  async #invoke({ invocationId, target, arguments: args }: Message): Promise<void> {
    const complete = (outcome: object) => {
      if (invocationId !== undefined) this.#send({ type: type.completion, invocationId, ...outcome });
    };
    const method = own(this.#hub.methods, target);
    if (method === undefined || !Array.isArray(args)) return complete(this.#unknown(target));
    try {
      const result = await method(this.#client, ...args);
      complete(result === undefined ? {} : { result });
    } catch (error) {
      complete({ error: textOf(error) });
    }
  }

  async #stream({ invocationId, target, arguments: args }: Message): Promise<void> {
    const id = String(invocationId);
    const complete = (outcome: object) => this.#send({ type: type.completion, invocationId: id, ...outcome });
    const stream = own(this.#hub.streams, target);
    if (stream === undefined || !Array.isArray(args)) return complete(this.#unknown(target));
    const running = new AbortController();
    this.#running.set(id, running);
    try {
      for await (const item of stream(running.signal, ...args)) {
        if (running.signal.aborted) break;
        this.#send({ type: type.streamItem, invocationId: id, item });
      }
      complete({});
    } catch (error) {
      complete(running.signal.aborted ? {} : { error: textOf(error) });
    } finally {
      this.#running.delete(id);
    }
  }

  #unknown(target: unknown): { error: string } {
    return { error: `The hub has no method '${String(target)}' that can be called so.` };
  }

  #send(message: object): void {
    if (!this.#over) this.#output.write(`${JSON.stringify(message)}${separator}`);
  }
}

function own<T>(record: Readonly<Record<string, T>>, name: unknown): T | undefined {
  return typeof name === 'string' && Object.hasOwn(record, name) ? record[name] : undefined;
}

function parse(text: string): Message | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
