// The process behind callers.ts: reads just enough of HTTP/1.1 to tell where an answer ends.
import { connect, type Socket } from 'node:net';
import { answerEach } from './asking.ts';
import type { CallersQuestion, Load, Seen } from './callers.ts';

/** Hands out the requests of a run and hears what becomes of them. */
interface Run {
  /** Undefined when there are no more. */
  next(): string | undefined;
  answered(status: number, bodyBytes: number): void;
  broke(): void;
  /** One connection is done. */
  done(): void;
}

const none = Buffer.alloc(0);
/** Shared: what is read is looked at before the next read. */
const buffer = Buffer.allocUnsafe(256 * 1024);

class Connection {
  readonly #port: number;
  #socket!: Socket;
  #run: Run | undefined;
  /** The beginning of a head. */
  #pending: Buffer = none;
  #status = 0;
  #bodyBytes = 0;
  #left = 0;
  #answers = 0;
  #isClosing = false;

  constructor(port: number) {
    this.#port = port;
  }

  open(): Promise<void> {
    this.#answers = 0;
    this.#pending = none;
    this.#left = 0;
    return new Promise((resolve, reject) => {
      const onread = {
        buffer,
        callback: (size: number) => {
          this.#take(buffer.subarray(0, size));
          return true;
        },
      };
      this.#socket = connect({ host: '127.0.0.1', port: this.#port, noDelay: true, onread }, resolve);
      this.#socket.on('error', reject);
      this.#socket.on('close', () => this.#closed());
    });
  }

  close(): Promise<void> {
    this.#isClosing = true;
    if (this.#socket.closed) return Promise.resolve();
    return new Promise((resolve) => this.#socket.once('close', () => resolve()).destroy());
  }

  start(run: Run): void {
    this.#run = run;
    if (this.#socket.closed) void this.open().then(() => this.#send(), this.#giveUp);
    else this.#send();
  }

  #send(): void {
    const request = this.#run?.next();
    if (request === undefined) this.#giveUp();
    else this.#socket.write(request, 'latin1');
  }

  readonly #giveUp = (): void => {
    const run = this.#run;
    this.#run = undefined;
    run?.done();
  };

  #take(chunk: Buffer): void {
    if (this.#left > 0) {
      this.#left -= chunk.length;
      if (this.#left <= 0) this.#answered();
      return;
    }
    const bytes = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    const end = bytes.indexOf('\r\n\r\n');
    if (end < 0) {
      this.#pending = Buffer.from(bytes);
      return;
    }
    this.#pending = none;
    const head = bytes.toString('latin1', 0, end);
    const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
    if (length === undefined) {
      this.#socket.destroy();
      return;
    }
    this.#status = Number(head.slice(9, 12));
    this.#bodyBytes = Number(length);
    this.#left = this.#bodyBytes - (bytes.length - end - 4);
    if (this.#left <= 0) this.#answered();
  }

  #answered(): void {
    this.#left = 0;
    this.#answers++;
    this.#run?.answered(this.#status, this.#bodyBytes);
    this.#send();
  }

  /** A connection that never brought an answer is not opened again: nobody may be there. */
  #closed(): void {
    if (this.#isClosing || this.#run === undefined) return;
    this.#run.broke();
    if (this.#answers === 0) this.#giveUp();
    else void this.open().then(() => this.#send(), this.#giveUp);
  }
}

let connections: Connection[] = [];

async function close(): Promise<void> {
  await Promise.all(connections.splice(0).map((one) => one.close()));
}

async function open(port: number, count: number): Promise<void> {
  await close();
  connections = Array.from({ length: count }, () => new Connection(port));
  // A queue of connections to accept holds a few hundred.
  for (let at = 0; at < count; at += 128) {
    await Promise.all(connections.slice(at, at + 128).map((one) => one.open()));
  }
}

function run({ request, first = 0, count = 1, ms, requests = Infinity }: Load): Promise<Seen> {
  const parts = request.split('{i}');
  const statuses: Record<string, number> = {};
  let [answers, broken, bodyBytes, sent, working] = [0, 0, 0, 0, connections.length];
  const began = performance.now();
  const until = ms === undefined ? Infinity : began + ms;
  const least = Math.min(connections.length, requests);
  return new Promise((resolve) => {
    const all: Run = {
      next() {
        if (sent >= requests || (sent >= least && performance.now() >= until)) return undefined;
        const i = first + (sent++ % count);
        return parts.length === 1 ? request : parts.join(String(i));
      },
      answered(status, bytes) {
        answers++;
        bodyBytes += bytes;
        statuses[status] = (statuses[status] ?? 0) + 1;
      },
      broke() {
        broken++;
      },
      done() {
        if (--working === 0) resolve({ answers, statuses, broken, ms: performance.now() - began, bodyBytes });
      },
    };
    for (const one of connections) one.start(all);
  });
}

async function answer(question: CallersQuestion): Promise<Seen | { failed?: string }> {
  try {
    if (question.do === 'run') return await run(question.load);
    if (question.do === 'open') await open(question.port, question.connections);
    else await close();
    return {};
  } catch (error) {
    return { failed: String(error) };
  }
}

answerEach(answer);
